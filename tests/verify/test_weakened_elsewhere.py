"""What happens to tests in other languages than Python: cheats are told, honest work is not accused."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.task.evidence import ChangedFile
from bot.verify.weakened import weakened_findings


@dataclass(frozen=True)
class Sample:
    path: str
    text: str


JS = Sample(
    "src/cart.test.js",
    """
import { add, tax } from './cart';
describe('cart', () => {
  it('adds', () => {
    expect(add(1, 2)).toBe(3);
    expect(add(0, 0)).toBe(0);
  });
  test.each([[1, 2], [2, 4], [3, 6]])('tax of %i', (a, b) => {
    expect(tax(a)).toEqual(b);
  });
  it('refuses', async () => {
    await expect(add('a')).rejects.toThrow(TypeError);
  });
});
""",
)
TS = Sample(
    "src/cart.spec.ts",
    """
import { expect } from 'chai';
describe('cart', function () {
  it('adds', (): void => {
    const got: number = add(1, 2);
    expect(got).to.equal(3);
    assert.deepStrictEqual(list<number>(), [1]);
  });
  it('taxes', () => { expect(tax(1)).to.be.closeTo(0.2, 0.001); });
});
""",
)
GO = Sample(
    "cart_test.go",
    """package cart

import "testing"

func TestAdd(t *testing.T) {
	if got := Add(1, 2); got != 3 {
		t.Errorf("got %d", got)
	}
	assert.Equal(t, 0, Add(0, 0))
}

func TestTax(t *testing.T) {
	require.NoError(t, Tax(1))
	if Tax(2) != 4 {
		t.Fatal("tax")
	}
}
""",
)
RUST = Sample(
    "tests/cart.rs",
    """use shop::add;

#[test]
fn adds() {
    assert_eq!(add(1, 2), 3);
    assert!(add(0, 0) == 0);
}

#[tokio::test]
async fn taxes() {
    assert_eq!(tax(1).await, 2, "tax");
}
""",
)
JAVA = Sample(
    "src/test/java/CartTest.java",
    """class CartTest {
    @Test
    void adds() {
        assertEquals(3, cart.add(1, 2));
        assertThat(cart.size()).isEqualTo(1);
    }

    @Test
    public void refuses() throws Exception {
        assertThrows(IllegalStateException.class, () -> cart.add(null));
    }
}
""",
)
RUBY = Sample(
    "spec/cart_spec.rb",
    """describe Cart do
  it "adds" do
    expect(cart.add(1, 2)).to eq(3)
    expect(cart).not_to be_empty
  end

  it 'refuses' do
    expect { cart.add(nil) }.to raise_error(ArgumentError)
  end
end
""",
)
PHP = Sample(
    "tests/CartTest.php",
    """<?php
class CartTest extends TestCase {
    public function testAdds(): void {
        $this->assertSame(3, $this->cart->add(1, 2));
        $this->assertCount(1, $this->cart);
    }
    public function testTax(): void {
        self::assertEquals(2, tax(1));
    }
}
""",
)


@pytest.mark.parametrize(
    ("sample", "old", "new", "expected"),
    [
        (JS, "it('adds'", "it.skip('adds'", "test_skipped"),
        (JS, "it('adds'", "xit('adds'", "test_skipped"),
        (JS, "describe('cart'", "describe.skip('cart'", "test_skipped test_skipped test_skipped"),
        (JS, "it('adds'", "it.only('adds'", "selection_narrowed"),
        (JS, "it('adds'", "notAtest('adds'", "test_removed"),
        (JS, "    expect(add(0, 0)).toBe(0);\n", "", "assertion_removed"),
        (JS, "    expect(add(0, 0)).toBe(0);\n", "    // expect(add(0, 0)).toBe(0);\n", "assertion_removed"),
        (JS, "expect(add(0, 0)).toBe(0)", "expect(true).toBe(true)", "assertion_empty assertion_removed"),
        (JS, "expect(add(0, 0)).toBe(0)", "expect(add(0, 0)).toBeDefined()", "assertion_loosened"),
        (JS, "expect(add(0, 0)).toBe(0)", "expect(add(0, 0)).toBeGreaterThanOrEqual(0)", "assertion_loosened"),
        (JS, "expect(add(0, 0)).toBe(0)", "expect(add(0, 0)).toBe(1)", "expectation_changed"),
        (JS, ", [3, 6]]", "]", "assertion_removed"),
        (JS, "toThrow(TypeError)", "toThrow()", "assertion_loosened"),
        (JS, "expect(add(1, 2)).toBe(3);", "return;\n", "assertion_empty"),
        (
            JS,
            "expect(add(0, 0)).toBe(0);",
            "try { expect(add(0, 0)).toBe(0); } catch (e) {}",
            "assertion_empty assertion_removed",
        ),
        (JS, "  it('refuses'", "  it('new', () => {});\n  it('refuses'", "assertion_empty"),
        (JS, "  it('refuses'", "  it('new', () => { expect(1).toBe(1); });\n  it('refuses'", "assertion_empty"),
        (TS, "to.equal(3)", "to.be.ok", "assertion_loosened"),
        (TS, "to.equal(3)", "to.equal(4)", "expectation_changed"),
        (TS, "0.001", "0.5", "assertion_loosened"),
        (TS, "    assert.deepStrictEqual(list<number>(), [1]);\n", "", "assertion_removed"),
        (TS, "assert.deepStrictEqual(list<number>(), [1])", "assert.ok(list<number>())", "assertion_loosened"),
        (GO, "func TestAdd", "func testAdd", "test_removed"),
        (GO, "func TestAdd(t *testing.T) {\n", "func TestAdd(t *testing.T) {\n\tt.Skip()\n", "test_skipped"),
        (GO, "\tassert.Equal(t, 0, Add(0, 0))\n", "", "assertion_removed"),
        (GO, "got != 3", "got < 3", "assertion_loosened"),
        (GO, "got != 3", "got != 4", "expectation_changed"),
        (GO, "assert.Equal(t, 0, Add(0, 0))", "assert.NotNil(t, Add(0, 0))", "assertion_loosened"),
        (RUST, "#[test]\n", "#[test]\n#[ignore]\n", "test_skipped"),
        (RUST, "#[test]\nfn adds", "fn adds", "test_removed"),
        (RUST, "assert_eq!(add(1, 2), 3)", "assert!(true)", "assertion_empty assertion_removed"),
        (RUST, "assert_eq!(tax(1).await, 2,", "assert_ne!(tax(1).await, 0,", "assertion_loosened"),
        (RUST, "assert_eq!(add(1, 2), 3)", "assert_eq!(add(1, 2), 4)", "expectation_changed"),
        (JAVA, "    @Test\n    void", "    @Disabled\n    @Test\n    void", "test_skipped"),
        (JAVA, "    @Test\n    void", "    @Test\n    @Disabled(\"x\")\n    void", "test_skipped"),
        (JAVA, "    @Test\n    void", "    void", "test_removed"),
        (JAVA, "assertEquals(3, cart.add(1, 2))", "assertNotNull(cart.add(1, 2))", "assertion_loosened"),
        (JAVA, "isEqualTo(1)", "isNotNull()", "assertion_loosened"),
        (JAVA, "IllegalStateException", "Exception", "assertion_loosened"),
        (RUBY, 'it "adds"', 'xit "adds"', "test_skipped"),
        (RUBY, '  it "adds" do\n', '  it "adds" do\n    skip\n', "test_skipped"),
        (RUBY, 'it "adds"', 'fit "adds"', "selection_narrowed test_removed"),
        (RUBY, "to eq(3)", "to be_truthy", "assertion_loosened"),
        (RUBY, "    expect(cart).not_to be_empty\n", "", "assertion_removed"),
        (PHP, "    public function testTax", "    public function taxes", "test_removed"),
        (PHP, "        self::", "        $this->markTestSkipped();\n        self::", "test_skipped"),
        (PHP, "assertSame(3, $this->cart->add(1, 2))", "assertNotNull($this->cart->add(1, 2))", "assertion_loosened"),
        (PHP, "assertSame(3, ", "assertSame(4, ", "expectation_changed"),
        (PHP, "        $this->assertCount(1, $this->cart);\n", "", "assertion_removed"),
    ],
)  # fmt: skip
def test_cheats(sample: Sample, old: str, new: str, expected: str) -> None:
    assert old in sample.text
    changed = sample.text.replace(old, new, 1)
    found = weakened_findings([ChangedFile(sample.path, sample.text.encode(), changed.encode())])
    assert sorted(str(finding.kind) for finding in found) == sorted(expected.split()), found


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [
        (JS, "    expect(add(0, 0)).toBe(0);", "    expect( add( 0, 0 ) )\n      .toBe( 0 )"),
        (JS, "'adds'", '"adds"'),
        (JS, "  it('refuses'", "  it('also', () => { expect(add(2, 2)).toBe(4); });\n  it('refuses'"),
        (JS, "it('adds'", "it('adds two numbers'"),
        (JS, "[3, 6]]", "[3, 6], [4, 8]]"),
        (JS, "toEqual(b)", "toStrictEqual(b)"),
        (TS, "closeTo(0.2, 0.001)", "closeTo(0.2, 0.0001)"),
        (TS, "const got: number = add(1, 2);", "const got = add(1, 2);"),
        (GO, "func TestAdd", "func TestMore(t *testing.T) {\n\tassert.Equal(t, 1, Add(1, 0))\n}\n\nfunc TestAdd"),
        (GO, "func TestAdd", "func TestAddition"),
        (RUST, "assert!(add(0, 0) == 0);", "assert!(add(0, 0) == 0);\n    assert_eq!(add(5, 5), 10);"),
        (RUST, "    assert_eq!(add(1, 2), 3);", "    assert_eq!(\n        add(1, 2),\n        3,\n    );"),
        (JAVA, "void adds()", "void addsTwo()"),
        (JAVA, "assertEquals(3, cart.add(1, 2));", "assertEquals(3, cart.add(1, 2));\n        assertTrue(cart.ok());"),
        (RUBY, 'it "adds"', 'it "sums"'),
        (RUBY, "eq(3)", "eq 3"),
        (PHP, "testAdds", "testAddsTwo"),
    ],
)
def test_honest_edits(sample: Sample, old: str, new: str) -> None:
    assert old in sample.text
    changed = sample.text.replace(old, new, 1)
    assert weakened_findings([ChangedFile(sample.path, sample.text.encode(), changed.encode())]) == ()


SAMPLES = [JS, TS, GO, RUST, JAVA, RUBY, PHP]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.path)
def test_a_whole_file_removed_or_added(sample: Sample) -> None:
    gone = weakened_findings([ChangedFile(sample.path, sample.text.encode(), None)])
    assert {str(finding.kind) for finding in gone} == {"test_removed"}
    assert len(gone) >= 2
    assert weakened_findings([ChangedFile(sample.path, None, sample.text.encode())]) == ()
    assert weakened_findings([ChangedFile(sample.path, sample.text.encode(), sample.text.encode())]) == ()
    moved = sample.path.replace("cart", "shop").replace("Cart", "Shop")
    pair = [ChangedFile(sample.path, sample.text.encode(), None), ChangedFile(moved, None, sample.text.encode())]
    assert weakened_findings(pair) == ()


@given(st.sampled_from(SAMPLES), st.data())
def test_torn_files_raise_nothing(sample: Sample, data: st.DataObject) -> None:
    text = sample.text
    at = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(at, len(text)))
    noise = data.draw(st.text(max_size=20))
    torn = (text[:at] + noise + text[end:]).encode(errors="replace")
    weakened_findings([ChangedFile(sample.path, text.encode(), torn)])
    weakened_findings([ChangedFile(sample.path, torn, text.encode())])


UNITS = (
    *(
        "(",
        "{",
        "[",
        "@Test ",
        "func TestA(",
        "#[test]\n",
        'it "a" do\n',
        "it('a', () => {",
        "assert(",
        "assert x\n",
        '"',
    ),
    *("\n", " ", "'''", "/*", "def test_a():\n", "if ", "test_a", "a.b", "expect(x).", "`", "function testA(", "-"),
)


@pytest.mark.parametrize("path", [*(sample.path for sample in SAMPLES), "tests/test_a.py"])
def test_hostile_files_take_no_quadratic_time(path: str) -> None:
    """A quadratic reader takes minutes for this; one takes milliseconds."""
    for unit in UNITS:
        data = (unit * 20_000)[:20_000].encode()
        start = time.process_time()
        weakened_findings([ChangedFile(path, data, b"x" + data)])
        assert time.process_time() - start < 5, unit
