//! What a run tells people. Analyses say it as data ([`Section`]): keys of messages and values. A file for each language has
//! the words, and tellers put both together: [`text()`] for the terminal, [`page()`] for `report.html`; `run.json` holds the
//! sections as they are.

mod language;
mod page;
mod section;
mod text;

pub use language::Language;
pub use page::{About, page};
pub use section::{Block, Grid, Section};
pub use text::text;
pub use tillwise_core::told::{Cell, Message};

/// Why something cannot be told: always a defect of Tillwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file of a language is broken.
    #[error("the file of messages is broken: {problem}")]
    Messages {
        /// What is wrong.
        problem: String,
    },
    /// A sentence or a heading has no words.
    #[error("the messages have no `{key}`")]
    NoMessage {
        /// Its key.
        key: String,
    },
    /// A sentence names a value that it is not given.
    #[error("the sentence `{key}` has no value `{name}`")]
    NoValue {
        /// The sentence.
        key: String,
        /// The value.
        name: String,
    },
    /// The template of the page is broken.
    #[error("the template of the page is broken: {0}")]
    Template(#[from] minijinja::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section() -> Section {
        let mut section = Section::new("notes");
        section.say("note", vec![("of", Cell::word("clv")), ("note", Cell::text("<script> a & b"))]);
        section.grid(
            ["customers", "share", "of_revenue"],
            1,
            [
                [Cell::Count(1_234_567.0), Cell::Share(0.1), Cell::Bar(0.5)],
                [Cell::Count(f64::NAN), Cell::Share(f64::INFINITY), Cell::Bar(f64::NAN)],
            ],
        );
        section
    }

    #[test]
    fn text_from_data_cannot_break_the_page() {
        let about = About { as_of: "2023-01-01".into(), run_id: "<b>".into(), version: "0".into() };
        let page = page(&[section()], &about, &Language::english().unwrap()).unwrap();
        assert!(
            page.contains("1,234,567")
                && page.contains("&lt;script&gt; a &amp; b")
                && page.contains("&lt;b&gt;")
        );
        assert!(!page.contains("<script>") && page.contains("10.0 %") && page.contains("width:80px"));
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }

    #[test]
    fn the_terminal_shows_the_first_rows_and_no_bars() {
        let said = text(&[section()], &Language::english().unwrap()).unwrap();
        assert!(said.contains("1,234,567") && said.contains("10.0 %") && !said.contains("- "), "{said}");
    }

    #[test]
    fn a_message_that_is_missing_is_an_error() {
        let english = Language::english().unwrap();
        let mut unknown = Section::new("notes");
        unknown.say("there is none", Vec::new());
        assert!(text(&[unknown], &english).unwrap_err().to_string().contains("there is none"));
        let mut without = Section::new("notes");
        without.say("note", vec![("of", Cell::word("clv"))]);
        assert!(text(&[without], &english).unwrap_err().to_string().contains("no value `note`"));
    }
}
