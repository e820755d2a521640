from pathlib import Path
import pytest
from store import Store

@pytest.mark.parametrize("name", Store.names(None))  # type: ignore[arg-type]
def test_runs(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / "s", create=True) as store:
        params = {k: v for k, v in dict(sae="a", letter="s", latent=1, context=1, position=1, in_view=['a']).items() if f"${k}" in store.sql_of(name)}
        assert store.fetch(name, **params).rows == []
        assert store.window(name, params, limit=3).rows == []
        assert store.count(name, params) == 0
        assert store.query(name, **params).height == 0
