import dataclasses
import re
from pathlib import Path

from zanni import Config

SETTINGS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_table_has_every_setting_in_its_order_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", SETTINGS.read_text(), re.MULTILINE)
    assert rows == [(field.name, repr(field.default)) for field in dataclasses.fields(Config)]
