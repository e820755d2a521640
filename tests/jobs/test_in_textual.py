"""Jobs from inside a running Textual app, where multiprocessing cannot start a process."""

import asyncio

from textual.app import App
from textual.widgets import Label

from saetui.jobs import JobClient

from .harness import count


class JobsApp(App[None]):
    """Submits a job and shows its state."""

    def __init__(self, client: JobClient) -> None:
        super().__init__()
        self.client = client
        self.state = ""

    def compose(self):  # type: ignore[no-untyped-def]
        yield Label("")

    def on_mount(self) -> None:
        self.job = self.client.submit(count(3))
        self.set_interval(0.05, self.look)

    def look(self) -> None:
        self.state = self.client.job(self.job.id).state
        self.query_one(Label).update(self.state)


async def test_a_job_runs_while_the_app_lives(client: JobClient) -> None:
    app = JobsApp(client)
    async with app.run_test() as pilot, asyncio.timeout(30):
        while app.state != "done":
            await pilot.pause(0.02)
