"""The columns of the table of SAEs."""

from saetui.tui.drawing.heat import Heat
from saetui.tui.table.column import Column

COLUMNS = (
    Column("in_view", "view", 4, "center", "dot", help="in_view"),
    Column("name", "SAE", 14, "left", "text", grow=1, help="name"),
    Column("architecture", "kind", 8, "left", "text", help="architecture"),
    Column("width", "width", 7, "right", ",d", help="width"),
    Column("l0", "L0", 6, "right", ".1f", help="l0"),
    Column("fvu", "FVU", 7, "right", ".4f", help="fvu"),
    Column("ce_recovered", "CE rec", 7, "right", ".1%", help="ce_recovered"),
    Column("dead_fraction", "dead", 6, "right", ".1%", help="dead_fraction"),
    Column("mean_letter_f1", "letter F1", 9, "right", ".3f", heat=Heat(0.0, 1.0), help="mean_letter_f1"),
    Column("absorption_rate", "absorbed", 8, "right", ".1%", help="absorption_rate"),
    Column("linear_error_r2", "lin. R²", 7, "right", ".2f", help="linear_error_r2"),
    Column("tokens_trained", "trained", 7, "right", "short", help="tokens_trained"),
    Column("source", "source", 14, "left", "text", grow=1, help="source"),
)
