from __future__ import annotations

import stat
from pathlib import Path

import pytest
from rich.cells import cell_len

from gammaray_tui.commands.output import check_place, escaped, write_result
from gammaray_tui.commands.plain_table import table_lines
from providers.errors import UserError


def test_nothing_in_a_line_is_obeyed_by_a_terminal() -> None:
    hostile = "a\x1b[2Jb\rc\nd\x9be\x7f\u202ef\u2028g\ud800h\u200bi\ufeffj"
    line = escaped(hostile)
    assert line == ("a\\x1b[2Jb\\rc\\nd\\x9be\\x7f\\u202ef\\u2028g\\ud800h\\u200bi\\ufeffj")
    line.encode()


def test_ordinary_text_stays() -> None:
    assert escaped("Bild-Größe 画像 → ✓") == "Bild-Größe 画像 → ✓"


def test_a_result_replaces_the_file_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_result(b"new", path)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_result_gets_ordinary_permissions(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "graph.json"
    plain.write_bytes(b"")
    write_result(b"x", path)
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_result(b"new", link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_result(b"x", Path("/dev/null"))
    assert Path("/dev/null").is_char_device()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written") as caught:
        write_result(b"x", tmp_path / "missing" / "graph.json")
    assert "graph.json" in caught.value.on
    assert list(tmp_path.iterdir()) == []


def test_links_in_a_circle_are_said(tmp_path: Path) -> None:
    link, back = tmp_path / "link", tmp_path / "back"
    link.symlink_to(back)
    back.symlink_to(link)
    with pytest.raises(UserError, match="cannot be written"):
        check_place(link)
    with pytest.raises(UserError, match="cannot be written"):
        write_result(b"x", link)


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    long = tmp_path / ("n" * 255)
    write_result(b"x", long)
    assert long.read_bytes() == b"x"


def test_stdout_gets_the_bytes_as_they_are(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_result(b"{}\n", None)
    write_result(b"[]\n", Path("-"))
    assert capfdbinary.readouterr().out == b"{}\n[]\n"


def test_columns_stand_below_each_other_whatever_letters_take() -> None:
    lines = table_lines(
        ("NAME", "N"), [("画像", "1"), ("cafe\u0301", "23"), ("\x1b[1m", "4")], frozenset("N")
    )
    assert [cell_len(line) for line in lines] == [11] * 4


def test_a_name_that_is_very_long_does_not_make_every_line_so() -> None:
    lines = table_lines(("NAME", "N"), [("begin" + "z" * 10_000 + "end", "1"), ("short", "2")])

    assert max(map(len, lines)) < 400
    assert lines[1].startswith("beginz")
    assert lines[1].endswith("zend  1")


def test_a_folder_that_is_not_there_is_told_before_the_work(tmp_path: Path) -> None:
    check_place(None)
    check_place(tmp_path / "graph.json")
    with pytest.raises(UserError, match="cannot be written") as caught:
        check_place(tmp_path / "none" / "graph.json")
    assert "a folder that exists" in caught.value.todo
