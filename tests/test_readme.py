"""The README shows what is true."""

from __future__ import annotations

import re
from pathlib import Path

from klara_daemon.flow import as_mermaid

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_picture_of_the_flow_is_made_from_the_flow() -> None:
    drawn = re.search(r"<!-- flow:.*?```mermaid\n(.*?)```", README, re.DOTALL)
    assert drawn is not None
    assert drawn[1].strip() == as_mermaid()


def test_every_link_leads_to_something() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
