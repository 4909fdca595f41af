"""Nothing in the package turns bytes or text into code or into objects of any class."""

import ast
from pathlib import Path

MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "code", "codeop"}
CALLS = {"eval", "exec", "compile", "__import__"}


def faults(path: str, source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]} & (MODULES if not node.level else set())
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = {node.func.id} & CALLS
        else:
            continue
        found += [f"{path}:{node.lineno} {name}" for name in names]
    return found


def test_nothing_is_unpickled_or_evaluated(root: Path, package_files: list[str]) -> None:
    sources = {path: (root / path).read_text() for path in package_files if path.endswith(".py")}
    assert [fault for path, text in sources.items() for fault in faults(path, text)] == []


def test_what_would_be_is_found() -> None:
    text = "import pickle\nfrom marshal import loads\neval('1')\nx.eval()\nfrom .code import y\n"
    assert faults("a.py", text) == ["a.py:1 pickle", "a.py:2 marshal", "a.py:3 eval"]
