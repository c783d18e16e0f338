# SPDX-License-Identifier: Apache-2.0
"""The program of docs/python.md runs, and the type stubs are those of the library's tables."""

import pathlib
import re
import runpy

import unet_c

root = pathlib.Path(__file__).resolve().parents[2]


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (root / "docs" / "python.md").read_text()
    pieces = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(pieces) >= 4
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "page.py"
    program.write_text("\n".join(pieces))
    runpy.run_path(str(program))
    said = capsys.readouterr().out
    assert re.search(r"^1 object of .* Dice 0\.[5-9]", said, re.M), said
    assert "threads" in said


def test_stubs_are_of_these_tables():
    maker = runpy.run_path(str(root / "scripts" / "make_stubs.py"))
    stubs = (root / "python" / "unet_c" / "__init__.pyi").read_text()
    assert stubs == maker["stubs"](unet_c), "run scripts/make_stubs.py"
