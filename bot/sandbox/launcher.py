"""Between fork and exec: limits, staged folders, an unprivileged uid; then it becomes its command.

Run as `python -IS launcher.py PARENT LIMITS GROUPS KEPT UID STAGE COUNT SOURCE… ARGV…` and never imported: it is a
program of its own, because Python code between fork and exec is not safe in a process with threads. It keeps its pid
through every exec, so that a signal reaches the same process all the way. Standard library only, few imports: they are
most of its ten milliseconds.

LIMITS is `FILE_BYTES:DATA_BYTES`, GROUPS holds a path per line where a process enters a control group.

KEPT (`21:7,23:8,25:9`) hands descriptors on under fixed numbers. Empty means that the command is not bubblewrap: it
gets the signal of death with its parent here. bubblewrap sets it itself, and leaves its child behind when the signal
comes too early: so number 7 is a socket whose other end only our parent has, and somebody watches it until the inside
is set up.

With a UID (the parent is the superuser), every SOURCE is bound to `STAGE/<position>` in a mount namespace of our own:
sources may lie below a folder that only the superuser may enter. They are opened before STAGE is covered, because they
may lie there, too. The host's own mounts are untouched. A SOURCE with `sealed:` before it is the superuser's; it is
shown read-only and as if it were UID's (an id-mapped mount, Linux 5.12), or an overlay could not copy its files up.
"""

import ctypes
import os
import resource
import select
import struct
import sys
from typing import NoReturn

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
"""System calls without a wrapper in older C libraries; the numbers are the same on every architecture."""
AT_FDCWD, AT_EMPTY_PATH, OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = -100, 0x1000, 1, 4
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_IDMAP = 1, 2, 4, 0x00100000
SEALED = "sealed:"
SIGKILL, SIGPIPE, SIGXFSZ, SIG_DFL = 9, 13, 25, None
FAILED = 125
LIFE = 7
"""The number of the socket that ends with our parent."""

libc = ctypes.CDLL(None, use_errno=True)


def refuse(doing: str, why: str) -> NoReturn:
    """End with one line on stderr."""
    sys.stderr.write(f"launcher: {doing}: {why}\n")
    sys.exit(FAILED)


def must(result: int, doing: str) -> None:
    """Turn a C error into the end of this process."""
    if result < 0:
        refuse(doing, os.strerror(ctypes.get_errno()))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    names = [part.encode() for part in (source, target, kind)]
    must(libc.mount(*names, ctypes.c_ulong(flags), data.encode() or None), f"mount {source} on {target}")


def stage(folder: str, sources: list[str], uid: int) -> None:
    """Show every source at `folder/<position>`, in a mount namespace of our own."""
    must(libc.unshare(CLONE_NEWNS), "new mount namespace")
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    opened = []
    for source in sources:
        try:
            opened.append(os.open(source.removeprefix(SEALED), os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            refuse(f"open {source}", error.strerror or str(error))
    mapping = mapped_to(uid) if any(source.startswith(SEALED) for source in sources) else -1
    mount("stage", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
    for position, fd in enumerate(opened):
        target = f"{folder}/{position}"
        here = f"/proc/self/fd/{fd}"
        if os.path.isdir(here):
            os.mkdir(target, 0o755)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        if sources[position].startswith(SEALED):
            show_sealed(fd, target, mapping)
        else:
            mount(here, target, "", MS_BIND | MS_REC)


def mapped_to(uid: int) -> int:
    """A descriptor of a user namespace in which our own user and group are `uid`."""
    (ready, made), (end, ending) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ending)
        os.write(made, bytes([libc.unshare(CLONE_NEWUSER) == 0]))
        os.read(end, 1)  # until our parent has it, or is dead
        os._exit(0)
    os.close(made)
    if os.read(ready, 1) != b"\1":
        refuse("new user namespace", "the kernel refuses it")
    for kind in ("uid_map", "gid_map"):
        with open(f"/proc/{child}/{kind}", "w") as file:
            file.write(f"0 {uid} 1")
    mapping = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    for fd in (ready, end, ending):
        os.close(fd)
    os.waitpid(child, 0)
    return mapping


def show_sealed(fd: int, target: str, mapping: int) -> None:
    """Mount what lies behind `fd` at `target`: read-only, ids mapped."""
    what = f"id-mapped mount on {target}"
    tree = libc.syscall(OPEN_TREE, fd, b"", OPEN_TREE_CLONE | AT_EMPTY_PATH | os.O_CLOEXEC)
    must(tree, what)
    wanted = struct.pack("QQQQ", ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_IDMAP, 0, 0, mapping)
    must(libc.syscall(MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, wanted, ctypes.c_size_t(len(wanted))), what)
    must(libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH), what)
    os.close(tree)


def enter(entrances: list[str]) -> None:
    """Join control groups; everything that this process starts is in them, too."""
    for entrance in entrances:
        try:
            with open(entrance, "w") as file:
                file.write("0")
        except OSError as error:
            refuse(f"enter {entrance}", error.strerror or str(error))


def become(uid: int) -> None:
    """Give up the superuser for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def keep(pairs: str) -> None:
    """Move descriptors to their fixed numbers."""
    for pair in pairs.split(","):
        fd, number = (int(word) for word in pair.split(":"))
        os.dup2(fd, number)
        os.set_inheritable(fd, False)


def watch_over_the_start() -> None:
    """Fork a process that kills our whole group when our parent dies before the inside is set up; else it just ends.

    Number 7 becomes a pipe that ends when everybody has closed it: bubblewrap itself and the first program inside. Only
    a process outside can do this: the first one of a process namespace ignores what the kernel sends for a descriptor.
    """
    group, (set_up, setting_up) = os.getpid(), os.pipe()
    if os.fork() == 0:
        first, second = sorted((LIFE, set_up))
        for low, high in ((0, first), (first + 1, second), (second + 1, 1 << 20)):
            os.closerange(low, high)
        waiting = select.poll()
        for fd in (LIFE, set_up):
            waiting.register(fd, select.POLLIN)
        if any(fd == LIFE for fd, _ in waiting.poll()):
            os.killpg(group, SIGKILL)
        os._exit(0)
    os.close(set_up)
    os.dup2(setting_up, LIFE)
    os.close(setting_up)


def main(argv: list[str]) -> None:
    parent, uid, count = (int(argv[at]) for at in (0, 4, 6))
    sources, program = argv[7 : 7 + count], argv[7 + count :]
    enter(argv[2].splitlines())
    if uid:
        stage(argv[5], sources, uid)
        become(uid)
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    if argv[3]:
        keep(argv[3])
        watch_over_the_start()
    else:
        must(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "death signal")
    if os.getppid() != parent:
        refuse("start", "the parent is gone")
    for limit, most in zip((resource.RLIMIT_FSIZE, resource.RLIMIT_DATA), argv[1].split(":"), strict=True):
        if int(most):
            resource.setrlimit(limit, (int(most), int(most)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for ignored in (SIGPIPE, SIGXFSZ):  # Python ignores both, and exec would hand that on
        libc.signal(ignored, SIG_DFL)
    try:
        os.execve(program[0], program, os.environ)  # noqa: S606 - no shell is the point
    except OSError as error:
        refuse(f"exec {program[0]}", error.strerror or str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
