"""The script of every page view: theme, navigation, then the chosen page. A board file is a page as soon as it lies
in ``dashboards/boards/`` of the project."""

from __future__ import annotations

from functools import partial

import streamlit as st

from lakelet.dashboards import theme
from lakelet.dashboards.pages import boards, catalog_crawlers, catalog_search, home, job_runs, log_search, quality
from lakelet.dashboards.spec import board_files
from lakelet.workspace.paths import Workspace

DATA_DOCS = "data-docs"  # which dashboards/app.py serves beside the pages


def main() -> None:
    """Lay out the navigation and run the page that was asked for."""
    workspace = Workspace.find()
    theme.apply()
    home_page = st.Page(
        partial(home.show, workspace), title="Overview", icon=":material/home:", url_path="", default=True
    )
    own = {
        "Catalog": [
            st.Page(
                partial(catalog_search.show, workspace), title="Tables", icon=":material/table:", url_path="catalog"
            ),
            st.Page(
                partial(catalog_crawlers.show, workspace),
                title="Crawlers",
                icon=":material/travel_explore:",
                url_path="crawlers",
            ),
        ],
        "Operations": [
            st.Page(partial(job_runs.show, workspace), title="Jobs", icon=":material/play_circle:", url_path="jobs"),
            st.Page(
                partial(log_search.show, workspace), title="Logs", icon=":material/manage_search:", url_path="logs"
            ),
            st.Page(partial(quality.show, workspace), title="Quality", icon=":material/verified:", url_path="quality"),
        ],
    }
    reserved = {DATA_DOCS, *(page.url_path for section in own.values() for page in section)}
    board_pages = [
        st.Page(
            partial(boards.show, workspace, entry.path, entry.problem),
            title=entry.title,
            icon=entry.icon,
            url_path=entry.slug,
        )
        for entry in boards.entries(board_files(workspace.content("dashboards/boards")), reserved)
    ]
    pages = {"": [home_page], "Boards": board_pages, **own}
    st.navigation({section: listed for section, listed in pages.items() if listed}).run()


main()
