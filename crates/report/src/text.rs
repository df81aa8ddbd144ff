//! What is told, for a terminal.

use std::fmt::Write as _;

use tillwise_core::VALUE;
use tillwise_core::told::Cell;

use crate::section::{Block, Grid};
use crate::{Language, ReportError, Section};

/// Where sentences begin, to the right of their labels.
const INDENT: usize = 11;

/// The sections as plain text.
///
/// # Errors
/// If the language lacks a message: a defect.
pub fn text(sections: &[Section], language: &Language) -> Result<String, ReportError> {
    let mut page = String::new();
    for (i, section) in sections.iter().enumerate() {
        let mut own = String::new();
        for block in &section.blocks {
            match block {
                Block::Say(message) => {
                    let said = language.sentence(message)?;
                    let _ = match language.label(&message.key) {
                        Some("") => writeln!(own, "{said}"),
                        label => writeln!(own, "{:<INDENT$}{said}", label.unwrap_or_default()),
                    };
                }
                Block::Grid(grid) if grid.brief > 0 && !grid.rows.is_empty() => {
                    table(&mut own, grid, language)?;
                }
                Block::SayOnPage(_) | Block::Figures(_) | Block::Grid(_) | Block::Chart(_) => {}
            }
        }
        if i > 0 && !own.is_empty() {
            page.push('\n');
        }
        page.push_str(&own);
    }
    Ok(page)
}

/// Text at the left of its column, figures at the right.
fn table(page: &mut String, grid: &Grid, language: &Language) -> Result<(), ReportError> {
    let shown: Vec<&Vec<Cell>> = grid.rows.iter().take(grid.brief).collect();
    let columns: Vec<usize> =
        (0..grid.heads.len()).filter(|c| !shown.iter().any(|row| matches!(row[*c], Cell::Bar(_)))).collect();
    let line = |cells: &[Cell]| -> Result<Vec<String>, ReportError> {
        columns.iter().map(|c| language.cell(&cells[*c], VALUE)).collect()
    };
    let mut lines = vec![line(&grid.heads)?];
    for row in shown {
        lines.push(line(row)?);
    }
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for line in &lines {
        let mut said = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            let _ =
                if column == 0 { write!(said, "{cell:<width$}") } else { write!(said, "  {cell:>width$}") };
        }
        let _ = writeln!(page, "{}", said.trim_end());
    }
    Ok(())
}
