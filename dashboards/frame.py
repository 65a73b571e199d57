"""The frame around every page: its heading, and what stands there while it loads, is empty or has failed.

A page never shows a traceback. What Lakelet raises on purpose is a sentence already; anything else goes to the
dashboards' log with its traceback, and the page says where to look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lakelet.workspace.errors import EntityNotFoundException, LakeletError, NotFoundError, NotRunningError, UsageError

log = logging.getLogger("lakelet.dashboards")


def heading(title: str, description: str = "") -> None:
    """The page's title and the sentence below it."""
    st.title(title, anchor=False)
    if description:
        st.caption(description)


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Show a part of a page (``what`` names it: "this board"), or the reason why it cannot be shown."""
    try:
        yield
    except NotRunningError as error:
        failed("Not reachable", str(error), icon=":material/cloud_off:")
    except EntityNotFoundException:
        no_data()
    except (UsageError, NotFoundError) as error:
        failed(f"Please check {what}", str(error), icon=":material/edit_note:")
    except LakeletError as error:
        failed(f"Cannot show {what}", str(error))
    except Exception:
        log.exception("%s failed", what)
        failed(f"Cannot show {what}", "Something failed that should not: `lakelet logs dashboards` has the details.")


def no_data() -> None:
    """What stands where data will be, before there is any."""
    empty("No data yet", "Run `lakelet demo` to load a year of flights, or register tables of your own.")


def empty(title: str, text: str, icon: str = ":material/inbox:") -> None:
    """A quiet box: nothing is wrong, there is just nothing here."""
    with st.container(border=True, horizontal_alignment="center", key=_key("empty", title)):
        st.markdown(f"##### {icon} {title}", text_alignment="center")
        st.markdown(text, text_alignment="center")


def failed(title: str, text: str, icon: str = ":material/error:") -> None:
    """A box that says in a sentence what is wrong, and offers another try."""
    with st.container(border=True, horizontal_alignment="center", key=_key("failed", title)):
        st.markdown(f"##### {icon} {title}", text_alignment="center")
        st.markdown(text, text_alignment="center")
        if st.button("Try again", key=_key("retry", title), icon=":material/refresh:"):
            st.cache_data.clear()
            st.rerun()


def escaped(text: str) -> str:
    """``text`` so that Markdown shows it as it is."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+-.!$:~|<>" else char for char in text)


def _key(kind: str, title: str) -> str:
    """A widget key unique in this view: the same box may stand on a page twice."""
    used = st.session_state.setdefault("_boxes", {})
    used[kind] = used.get(kind, 0) + 1
    return f"{kind}-{used[kind]}-{title}"
