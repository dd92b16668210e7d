//! The page: what all pages have in common, and the cells that open.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// One page.
pub(crate) struct Page {
    /// What the window is called.
    pub(crate) title: String,
    /// What it is about, above everything.
    pub(crate) header: Markup,
    /// Tables in sections, and what is below them. A row is known by its `data-row`, a column by its `data-check`.
    pub(crate) main: Markup,
    /// What cells open to, each made by [`content`].
    pub(crate) contents: Markup,
}

impl Page {
    pub(crate) fn render(&self) -> String {
        let Self { title, header, main, contents } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { "nspawn-matrix: " (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header { h1 { "nspawn-matrix" } (header) }
                    main { (search()) (main) }
                    dialog aria-labelledby="opened" { div {} }
                    (contents)
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }
}

/// Narrows the matrix; of no use without scripts, so a script shows it.
fn search() -> Markup {
    html! {
        search hidden {
            label { "Only scenarios and questions with" input type="search" placeholder="zone, resolve/peer" size="20"; }
            label { input type="checkbox"; "only what is not as claimed" }
        }
    }
}

/// What the cells of this id open to, as text that a browser does not parse until it is asked for: of 10,000 templates it
/// would make a million nodes, and take a second for it. Nothing in it ends a script, since `<` of others is escaped.
pub(crate) fn content(id: &str, content: &Markup) -> Markup {
    html! { script type="text/html" id=(id) { (content) } }
}
