"""Which files use which: imports, and the texts by which Python and templates name each other.

Knows nothing of git and of pytest. A file is named by its path below the checkout.
"""

from __future__ import annotations

import ast
import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

PACKAGES = (
    "partnerhub", "userstatus", "activation_portal", "provisioning", "templates_app", "accounts",
    "webex", "common", "simulator", "chaos", "benchmarks", "tests",
)  # fmt: skip
#: They import every view; who asks for an address reaches the view behind it by the address.
LISTS_OF_VIEWS = ("partnerhub.urls", "userstatus.urls", "activation_portal.urls")
#: Who asks for its fixture reaches the simulator.
STARTS_SIMULATOR = "tests.simulator_process"
#: What the fixtures of all tests prepare a process by is no part of what they ask.
PREPARES = (STARTS_SIMULATOR, "partnerhub.")
_DOTTED = re.compile(rf"\b(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
_LOADED = re.compile(r"{%-?\s*load\s+([\w\s]+?)\s*-?%}")
#: A template that is chosen while the program runs.
_CHOSEN = re.compile(r"[\w/]+/\*\.html$")
_QUOTED = re.compile(r"['\"]([\w./:-]+)['\"]")

#: (name as in `reverse`, regular expression of its path, file of its view)
Routes = list[tuple[str, re.Pattern[str], str]]


class Reach:
    """A graph of files; `on_request` is what every answer to a request uses, such as middleware."""

    def __init__(self, root: Path, files: Iterable[str], routes: Routes, on_request: set[str]):
        self.root = root
        self.files = set(files)
        self._routes = routes
        self._on_request = on_request
        self._users: dict[str, set[str]] = defaultdict(set)
        self._by_end = _by_ends(self.files)
        self._module_files = {_module(name): name for name in self.files if name.endswith(".py")}
        self._add_imports()
        for name in sorted(self.files):
            for used in self._named_in(name):
                self._users[used].add(name)

    def of(self, changed: Iterable[str]) -> set[str]:
        """Return the changed files and all that use them, through however many others."""
        reached, left = set(), list(changed)
        while left:
            name = left.pop()
            if name not in reached:
                reached.add(name)
                left.extend(self._users[name])
        return reached

    def _add_imports(self) -> None:
        graph = grimp.build_graph(*PACKAGES, cache_dir=None)
        for module in graph.modules - set(LISTS_OF_VIEWS):
            for imported in graph.find_modules_directly_imported_by(module):
                if module != "tests.conftest" or not imported.startswith(PREPARES):
                    self._use(module, imported)

    def _use(self, module: str, imported: str) -> None:
        names = (self._module_files.get(module), self._module_files.get(imported))
        if names[0] and names[1]:
            self._users[names[1]].add(names[0])

    def _named_in(self, name: str) -> Iterator[str]:
        path = self.root / name
        if name.endswith(".py"):
            yield from self._named_by_module(name, path.read_text())
        elif name.endswith((".html", ".txt")) and "/templates/" in name:
            yield from self._named_by_template(path.read_text())

    def _named_by_template(self, text: str) -> Iterator[str]:
        for quoted in _QUOTED.findall(text):
            yield from self._by_end.get(quoted, ())
        for tags in _LOADED.findall(text):
            for tag in tags.split():
                yield from self._by_end.get(f"templatetags/{tag}.py", ())

    def _named_by_module(self, name: str, source: str) -> Iterator[str]:
        texts = list(_texts(ast.parse(source)))
        if name.startswith("tests/"):
            yield from self._fixtures_of(name, source)
            yield from self._asked(text for text in texts if text != "/" or 'get("/"' in source)
        for text in texts:
            for end in fnmatch.filter(self._by_end, text) if _CHOSEN.match(text) else [text]:
                yield from self._by_end.get(end, ())
            yield from self._by_end.get(f"management/commands/{text}.py", ())
            for dotted in _DOTTED.findall(text):
                yield from self._module_of(dotted)

    def _fixtures_of(self, name: str, source: str) -> Iterator[str]:
        for folder in Path(name).parents:
            if (conftest := f"{folder.as_posix()}/conftest.py") in self.files:
                yield conftest
        if "simulator_process" in source and name != "tests/conftest.py":
            yield self._module_files[STARTS_SIMULATOR]
            yield "simulator/__main__.py"
        if "mark.worker" in source:
            yield from (other for other in self.files if re.search(r"/tasks(/|\.py)", other))

    def _module_of(self, dotted: str) -> Iterator[str]:
        """The longest part of a dotted name that is a module, unless that is only a package."""
        while dotted.count("."):
            if found := self._module_files.get(dotted):
                yield found
                return
            dotted = dotted.rpartition(".")[0]

    def _asked(self, texts: Iterable[str]) -> Iterator[str]:
        """The views of addresses or of their names, and what every request uses."""
        for text in texts:
            path = re.split(r"[?#]", text)[0].replace("*", "0")
            for name, pattern, file in self._routes:
                if text == name or (path.startswith("/") and pattern.fullmatch(path)):
                    yield file
                    yield from self._on_request


def _by_ends(files: set[str]) -> dict[str, set[str]]:
    """Files by each end of their path that is no bare name of a module."""
    ends: dict[str, set[str]] = defaultdict(set)
    for name in files:
        parts = name.split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            if "/" in end or not end.endswith(".py"):
                ends[end].add(name)
    return ends


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _texts(tree: ast.Module) -> Iterator[str]:
    """Every text of a module but docstrings; what is put into one stands there as a `*`."""
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            yield "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Expr):
            inner.add(id(node.value))  # a docstring
        elif isinstance(node, ast.Constant) and id(node) not in inner:
            yield node.value if isinstance(node.value, str) else ""


def _part(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else "*"
