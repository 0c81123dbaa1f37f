"""What pages, docstrings and messages point to is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
CODE = [path for folder in ("tapec", "passes", "runtime", "bench") for path in ROOT.glob(f"{folder}/**/*.py")]


def headings(page: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}


def test_links_lead_to_files_and_sections():
    missing = []
    for page in PAGES:
        for target, section in re.findall(r"\]\(([^)#:]+)(?:#([^)]+))?\)", page.read_text(encoding="utf-8")):
            file = page.parent / target
            if not file.exists() or (section and section not in headings(file)):
                missing.append(f"{page.name}: {target}#{section}")
    assert len(PAGES) > 20
    assert missing == []


def test_readme_links_every_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"(docs/{page.name})" not in readme] == []


def test_pages_that_code_and_notes_name_are_there():
    named = {
        (path.name, page)
        for path in [*CODE, *PAGES]
        for page in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert len(named) > 10
    assert sorted((name, page) for name, page in named if not (ROOT / page).exists()) == []


def test_numbers_of_design_notes_are_there():
    notes = {path.name[:4] for path in ROOT.glob("docs/design/*.md")}
    cited = {(path.name, n) for path in PAGES for n in re.findall(r"\((00\d\d)\b", path.read_text(encoding="utf-8"))}
    assert len(cited) > 10
    assert sorted((name, n) for name, n in cited if n not in notes) == []


def test_the_list_of_design_notes_is_whole():
    listed = (ROOT / "docs/design/README.md").read_text(encoding="utf-8")
    rows = []
    for path in sorted(ROOT.glob("docs/design/0*.md")):
        number, title = path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ").split(" ", 1)
        assert number == path.name[:4]
        rows.append(f"| [{number}]({path.name}) | {title} |\n")
    assert listed.endswith("".join(rows))


def test_files_that_design_notes_name_are_there():
    file = re.compile(r"`((?:tests|passes|tapec|runtime|bench)/[\w/]+\.(?:py|md|txt))`")
    notes = {path: path.read_text(encoding="utf-8") for path in ROOT.glob("docs/design/*.md")}
    named = {(path.name, name) for path, text in notes.items() for name in file.findall(text)}
    assert len(named) > 50
    assert sorted((note, name) for note, name in named if not (ROOT / name).exists()) == []
