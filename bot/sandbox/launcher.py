"""Between fork and exec: limits, staged folders, an unprivileged uid; then it becomes its command.

Run as `python -IS launcher.py PARENT FILE_BYTES KEPT UID STAGE COUNT SOURCE… ARGV…` and never imported: it is a program
of its own, because Python code between fork and exec is not safe in a process with threads. It keeps its pid through
every exec, so that a signal reaches the same process all the way. Standard library only, few imports: they are most of
its ten milliseconds.

KEPT (`23:8,25:9`) hands descriptors on under fixed numbers. Empty means that the command is not bubblewrap: it gets the
signal of death with its parent here. bubblewrap sets it itself, and not before it can pass its own death on.

With a UID (the parent is the superuser), every SOURCE is bound to `STAGE/<position>` in a mount namespace of our own:
sources may lie below a folder that only the superuser may enter. They are opened before STAGE is covered, because they
may lie there, too. The host's own mounts are untouched.
"""

import ctypes
import os
import resource
import sys
from typing import NoReturn

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIGKILL, SIGPIPE, SIGXFSZ, SIG_DFL = 9, 13, 25, None
FAILED = 125

libc = ctypes.CDLL(None, use_errno=True)


def refuse(doing: str, why: str) -> NoReturn:
    """End with one line on stderr."""
    sys.stderr.write(f"launcher: {doing}: {why}\n")
    sys.exit(FAILED)


def must(result: int, doing: str) -> None:
    """Turn a C error into the end of this process."""
    if result != 0:
        refuse(doing, os.strerror(ctypes.get_errno()))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    names = [part.encode() for part in (source, target, kind)]
    must(libc.mount(*names, ctypes.c_ulong(flags), data.encode() or None), f"mount {source} on {target}")


def stage(folder: str, sources: list[str]) -> None:
    """Show every source at `folder/<position>`, in a mount namespace of our own."""
    must(libc.unshare(CLONE_NEWNS), "new mount namespace")
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    opened = []
    for source in sources:
        try:
            opened.append(os.open(source, os.O_PATH | os.O_CLOEXEC))
        except OSError as error:
            refuse(f"open {source}", error.strerror or str(error))
    mount("stage", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m")
    for position, fd in enumerate(opened):
        target = f"{folder}/{position}"
        here = f"/proc/self/fd/{fd}"
        if os.path.isdir(here):
            os.mkdir(target, 0o755)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        mount(here, target, "", MS_BIND | MS_REC)


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


def main(argv: list[str]) -> None:
    parent, file_bytes, uid, count = (int(argv[at]) for at in (0, 1, 3, 5))
    sources, program = argv[6 : 6 + count], argv[6 + count :]
    if uid:
        stage(argv[4], sources)
        become(uid)
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    if argv[2]:
        keep(argv[2])
    else:
        must(libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "death signal")
    if os.getppid() != parent:
        refuse("start", "the parent is gone")
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for ignored in (SIGPIPE, SIGXFSZ):  # Python ignores both, and exec would hand that on
        libc.signal(ignored, SIG_DFL)
    try:
        os.execve(program[0], program, os.environ)  # noqa: S606 - no shell is the point
    except OSError as error:
        refuse(f"exec {program[0]}", error.strerror or str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
