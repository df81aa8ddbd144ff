//! What a run tells people. Analyses say it as data ([`Section`]): keys of messages and values. A file for each language has
//! the words, and tellers put both together: [`text()`] for the terminal, [`page()`] for `report.html`; `run.json` holds the
//! sections as they are.

mod chart;
mod language;
mod page;
mod section;
mod text;

pub use chart::{Chart, Drawn, Values};
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
        assert!(
            !page.contains("<script> a")
                && page.contains("10.0 %")
                && page.contains("width:80px")
                && !page.contains("<b>")
        );
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

    fn values(column: &'static str, cells: Vec<Cell>) -> Values {
        Values { column, name: None, cells }
    }

    fn charts() -> Section {
        let mut section = Section::new("value");
        let names = || values("part", ["<i>", "=1+1", "c"].map(Cell::text).to_vec());
        let amounts = |of: [f64; 3]| values("amount", of.map(Cell::Count).to_vec());
        let shares = |of: [f64; 3]| values("revenue_share", of.map(Cell::Share).to_vec());
        let drawn = [
            Drawn::Bars { names: names(), bars: amounts([3.0, 0.0, f64::NAN]) },
            Drawn::Bridge { names: names(), steps: amounts([10.0, -4.0, 6.0]) },
            Drawn::Lines {
                x: shares([0.0, 0.5, 1.0]),
                lines: vec![shares([0.0, f64::NAN, 1.0])],
                band: None,
                diagonal: true,
            },
            Drawn::Heat {
                rows: names(),
                columns: values("period", vec![Cell::Count(1.0)]),
                shades: shares([0.1, 0.9, f64::NAN]),
            },
            // Without anything in them.
            Drawn::Bars { names: names(), bars: amounts([f64::NAN; 3]) },
            Drawn::Heat {
                rows: names(),
                columns: values("period", vec![Cell::Count(1.0)]),
                shades: shares([f64::NAN; 3]),
            },
        ];
        let chart = |drawn| Block::Chart(Box::new(Chart { key: "lorenz", table: "lorenz", drawn }));
        section.blocks.extend(drawn.map(chart));
        section
    }

    /// Where the bars of a page begin.
    fn bars(page: &str) -> Vec<f64> {
        let after = page.split("<rect class=\"f0\" x=\"").skip(1);
        after.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn charts_are_drawn_with_their_numbers_and_turn_with_the_language() {
        let about = About { as_of: "2023-01-01".into(), run_id: "r".into(), version: "0".into() };
        let mut language = Language::english().unwrap();
        let left = page(&[charts()], &about, &language).unwrap();
        // Four of the six hold something.
        assert_eq!(left.matches("<figure").count(), 4);
        assert!(!left.contains("NaN") && !left.contains("inf") && !left.contains("<i>"), "{left}");
        // The file has the numbers, and no formula for a spreadsheet.
        assert!(
            left.contains("data:text&#x2f;csv;charset=utf-8,part,amount%0D%0A%3Ci%3E,3%0D%0A%27%3D1%2B1,0"),
            "{left}"
        );
        language.direction = "rtl".to_owned();
        let right = page(&[charts()], &about, &language).unwrap();
        // The first bar grows from the other side.
        let (from_left, from_right) = (bars(&left)[0], bars(&right)[0]);
        assert!(from_left == 200.0 && from_right < 200.0, "{from_left} {from_right}");
        // Nothing leaves the page, and nothing is loaded.
        for page in [left, right] {
            for outside in ["http:", "https:", "src=", "@import", "url("] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
    }
}
