"""Notes in $RECORDED every file that this process executes as a module, and every Python file that it
opens. Python runs it at its start, in children too, where its folder is in PYTHONPATH."""

import atexit
import os
import sys


def record():
    note = os.open(os.environ["RECORDED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    seen = set()

    def add(kind, path):
        line = f"{kind} {os.path.abspath(path)}\n"
        if line not in seen:
            seen.add(line)
            # One line is appended whole, so processes do not mix.
            os.write(note, line.encode(errors="surrogateescape"))

    def hook(event, arguments):
        if event == "exec":
            code = arguments[0]
            path = getattr(code, "co_filename", "")
            # Not the functions that something compiled under the name of a module.
            if getattr(code, "co_name", "") == "<module>" and path.endswith(".py"):
                add("executed", path)
        elif event == "open":
            path = arguments[0]
            path = os.fsdecode(path) if isinstance(path, (str, bytes)) else ""
            if path.endswith((".py", ".pyi")):
                add("opened", path)

    def at_exit():
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.endswith(".py"):
                add("executed", path)

    sys.addaudithook(hook)
    atexit.register(at_exit)


if "RECORDED" in os.environ:
    record()
