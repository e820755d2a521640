"""What the screen says about itself."""

from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import Table

MANIFEST = ScreenManifest(
    name="jobs",
    key="7",
    title="Jobs",
    help="What runs, what waits for it, and how busy are the devices?",
    view="saetui.tui.jobs.screen:JobsScreen",
    commands="saetui.commands.jobs",
    verbs=("cancel", "retry", "move", "start", "release"),
    tables=(Table("jobs.jobs", "job_history", "job_id", sortable=False),),
    link=LinkForm(path=("job",)),
)
