"""What Streamlit's own theme (``.streamlit/config.toml``) leaves open: page settings, the logo, and a few rules of CSS
for grids that wrap on a phone. Colours are the theme's variables only, so that light and dark stay one stylesheet."""

from __future__ import annotations

import streamlit as st

ABOUT = """**Lakelet** – the AWS data stack on your own machine, really executing."""

# A wave under a line of data, in the theme's blue; reads on light and dark.
LOGO = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 148 32" role="img" aria-label="Lakelet">
<rect x="0" y="2" width="28" height="28" rx="8" fill="#1487A6"/>
<path d="M5 14c3-3 6-3 9 0s6 3 9 0" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/>
<path d="M5 21c3-3 6-3 9 0s6 3 9 0" fill="none" stroke="#fff" stroke-opacity=".6" stroke-width="2.4"
 stroke-linecap="round"/>
<text x="37" y="23.5" font-family="Helvetica, Arial, sans-serif" font-size="21" font-weight="700"
 fill="#2D9DBA" letter-spacing="-.4">Lakelet</text></svg>"""

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">
<rect width="28" height="28" rx="8" fill="#1487A6"/>
<path d="M5 12c3-3 6-3 9 0s6 3 9 0" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/>
<path d="M5 19c3-3 6-3 9 0s6 3 9 0" fill="none" stroke="#fff" stroke-opacity=".6" stroke-width="2.4"
 stroke-linecap="round"/></svg>"""

CSS = """<style>
.block-container {padding-top: 4rem; padding-bottom: 3rem; max-width: 1360px;}
.stMainBlockContainer h1 {padding-top: 0; padding-bottom: .1rem;}
/* the skeletons say that something loads; a running figure with a Stop button says nothing to a reader */
[data-testid="stStatusWidget"] {display: none;}
/* KPIs and filters: as many side by side as fit, never wider than the page */
[class*="st-key-grid-"] {display: grid !important; gap: .75rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 11.5rem), 1fr));}
[class*="st-key-grid-wide-"] {grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)) !important;}
[class*="st-key-grid-"] > div {width: 100% !important; min-width: 0; max-width: none !important;}
[class*="st-key-grid-"] [data-testid="stMetric"] {height: 100%; background: var(--secondary-background-color);}
[data-testid="stMetricLabel"] p {font-size: .85rem;}
.lakelet-log {font-family: "Source Code Pro", monospace; font-size: .8rem; line-height: 1.45; margin: 0;}
.lakelet-log > div {display: grid; grid-template-columns: 9.5rem 4.6rem minmax(0, 13rem) minmax(0, 1fr); gap: 0 .6rem;
  padding: .18rem .4rem; border-bottom: 1px solid rgba(128, 145, 160, .18);}
.lakelet-log > div:hover {background: rgba(128, 145, 160, .10);}
.lakelet-log span {overflow-wrap: anywhere;}
.lakelet-log .when, .lakelet-log .from {opacity: .7;}
.lakelet-log .what {white-space: pre-wrap; max-height: 18em; overflow-y: auto;}
.lakelet-log .level {font-weight: 600; opacity: .75;}
.lakelet-log .ERROR .level, .lakelet-log .FATAL .level {color: #D9485F; opacity: 1;}
.lakelet-log .WARN .level, .lakelet-log .WARNING .level {color: #C98A12; opacity: 1;}
.lakelet-log mark {background: rgba(240, 190, 60, .45); color: inherit; border-radius: 3px; padding: 0 1px;}
@media (max-width: 640px) {
  .block-container {padding-left: 1rem; padding-right: 1rem;}
  [class*="st-key-grid-"] {gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr));}
  .lakelet-log > div {grid-template-columns: auto auto 1fr;}
  .lakelet-log .what {grid-column: 1 / -1;}
}
</style>"""


def apply() -> None:
    """Page settings, logo and stylesheet; called first in every page view."""
    st.session_state["_boxes"] = {}
    st.set_page_config(page_title="Lakelet", page_icon=ICON, layout="wide", menu_items={"About": ABOUT})
    st.logo(LOGO, size="large", icon_image=ICON)
    st.html(CSS)
