//! What is told, as `report.html`: one file, nothing loaded from elsewhere. The same run gives the same page: times stand in
//! `run.json` only.

use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;
use tillwise_core::told::Cell;

use crate::chart::{ShownChart, draw};
use crate::language::LONG_TEXT;
use crate::section::Block;
use crate::{Language, ReportError, Section};

/// What the head and the foot of the page say of its run.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// The day of the picture; empty where none is known.
    pub as_of: String,
    /// The run.
    pub run_id: String,
    /// Tillwise's version.
    pub version: String,
}

#[derive(Serialize)]
struct Shown {
    heading: String,
    blocks: Vec<ShownBlock>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownBlock {
    Say { label: Option<String>, text: String },
    Grid { heads: Vec<String>, rows: Vec<Vec<ShownCell>> },
    Chart(ShownChart),
}

#[derive(Serialize)]
struct ShownCell {
    text: String,
    /// Its length in pixels, where the cell is a bar.
    bar: Option<u32>,
}

/// Pixels of a whole bar.
const BAR: f64 = 160.0;

/// The sections as a page.
///
/// # Errors
/// If the language lacks a message, or the template is broken: a defect.
pub fn page(sections: &[Section], about: &About, language: &Language) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_keep_trailing_newline(true);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page.html", include_str!("../templates/page.html"))?;
    let (mut shown, mut figures) = (Vec::new(), Vec::new());
    // How the rows were read is for those who look for it.
    let (facts, found): (Vec<&Section>, Vec<&Section>) = sections.iter().partition(|s| s.key == "rows");
    for section in found.into_iter().chain(facts).filter(|s| !s.blocks.is_empty()) {
        let mut blocks = Vec::new();
        for told in &section.blocks {
            match told {
                Block::Figures(told) => {
                    for (name, cell) in told {
                        figures.push((language.word(name).into_owned(), language.cell(cell, LONG_TEXT)?));
                    }
                }
                told => blocks.extend(block(told, language)?),
            }
        }
        shown.push(Shown { heading: language.heading(section.key)?.to_owned(), blocks });
    }
    let words = |key: &str| language.word(key).into_owned();
    Ok(environment.get_template("page.html")?.render(context! {
        language => language.code, direction => language.direction, about, figures, sections => shown,
        as_table => words("as_table"), as_csv => words("as_csv"), search => words("search"),
        title => words(if about.as_of.is_empty() { "page_title_of_table" } else { "page_title" }), foot => words("page_foot"),
    })?)
}

/// A block as the page has it; `None` for a picture without anything in it.
fn block(block: &Block, language: &Language) -> Result<Option<ShownBlock>, ReportError> {
    Ok(Some(match block {
        Block::Chart(chart) => return Ok(draw(chart, language)?.map(ShownBlock::Chart)),
        // Figures stand at the head of the page.
        Block::Figures(_) => return Ok(None),
        Block::Say(message) | Block::SayOnPage(message) => {
            let label = language.label(&message.key).filter(|label| !label.is_empty()).map(str::to_owned);
            ShownBlock::Say { label, text: language.sentence(message)? }
        }
        Block::Grid(grid) => {
            let cell = |cell: &Cell| -> Result<ShownCell, ReportError> {
                let bar = match cell {
                    Cell::Bar(share) => Some((BAR * share.clamp(0.0, 1.0)).round() as u32),
                    _ => None,
                };
                Ok(ShownCell { text: language.cell(cell, LONG_TEXT)?, bar })
            };
            let heads = grid.heads.iter().map(|h| language.cell(h, LONG_TEXT)).collect::<Result<_, _>>()?;
            let rows =
                grid.rows.iter().map(|row| row.iter().map(cell).collect()).collect::<Result<_, _>>()?;
            ShownBlock::Grid { heads, rows }
        }
    }))
}
