"""The main screen's style sheet: three layouts, one pane alone, and a screen that is too small."""

from __future__ import annotations

MAIN_CSS = """
MainScreen {
    layout: vertical;
    background: $background;

    #panes { height: 1fr; layout: vertical; }
    #top { height: 3fr; layers: base over; }
    #tree { layer: base; width: 100%; height: 100%; }
    #start { layer: over; width: 100%; height: 100%; margin: 2 1 1 1; display: none; }
    #lower { height: 2fr; layout: horizontal; }
    #latency, #detail { width: 1fr; height: 100%; }
    #too-small { display: none; width: 100%; height: 100%; content-align: center middle; }

    .pane {
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
    }
    .pane:focus {
        border: round $primary;
        border-title-color: $primary;
        border-title-style: bold reverse;
        border-subtitle-color: $text-muted;
    }

    &.-empty #start { display: block; }

    &.-side {
        #panes { layout: horizontal; }
        #top { width: 3fr; height: 100%; }
        #lower { width: 2fr; height: 100%; layout: vertical; }
        #latency, #detail { width: 100%; height: 1fr; }
    }

    &.-mono {
        #lower { height: 5; }
        #latency { display: none; }
        #top { height: 1fr; }
        #start { margin: 1 0 0 0; }
        #tree, #tree:focus { border: none; }
        #detail { height: 5; width: 100%; border: none; border-top: solid $border-blurred; }
    }

    &.-alone-tree #lower { display: none; }
    &.-alone-latency {
        #top, #detail { display: none; }
        #lower { width: 100%; height: 1fr; }
        #latency { display: block; height: 100%; }
    }
    &.-alone-detail {
        #top, #latency { display: none; }
        #lower { width: 100%; height: 1fr; }
        #detail { height: 100%; }
    }

    &.-ascii .pane { border: ascii $border-blurred; }
    &.-ascii .pane:focus { border: ascii $primary; }
    &.-ascii.-mono #tree { border: none; }
    &.-ascii.-mono #detail { border: none; border-top: ascii $border-blurred; }
    &.-ascii.-mono.-alone-detail #detail { border: ascii $primary; }

    &.-too-small {
        #header, #panes, #keys, #replay, #filter { display: none; }
        #too-small { display: block; }
    }
}
"""

APP_CSS = """
GammarayApp.-ascii Static { text-overflow: clip; }
Toast { max-width: 70; }
.-roomy {
    #header { margin: 1 1 0 1; }
    #keys { margin: 0 1 1 1; }
    .pane { padding: 0 1; }
    #lower { margin-top: 1; }
    MainScreen.-side #lower { margin: 0 0 0 1; }
    Dialog #box { padding: 2 4; }
}
"""
"""What holds on all screens."""
