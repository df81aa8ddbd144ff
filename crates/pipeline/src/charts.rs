//! Pictures of published tables: an analysis says which columns are drawn and how; the numbers are those of the table.

use std::collections::{BTreeSet, HashMap};

use tillwise_core::Day;
use tillwise_report::{Cell, Chart, Drawn, Values};
use tillwise_table::{Table, TableError};

use crate::analyses::Made;

/// A picture that an analysis wants of one of its tables.
#[derive(Clone, Copy, Debug)]
pub struct ChartOf {
    /// Names its title and caption in the messages.
    pub key: &'static str,
    /// The table.
    pub table: &'static str,
    /// Only rows with these texts in these columns.
    pub only: &'static [(&'static str, &'static str)],
    /// How it is drawn.
    pub picture: Picture,
}

/// How columns are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Picture {
    /// Lines over `x`: one for each column of `y`, or for each text of `by`.
    Lines {
        /// The column across, and how its values are shown.
        x: (&'static str, Unit),
        /// The columns upwards.
        y: &'static [&'static str],
        /// How their values are shown.
        unit: Unit,
        /// The column that parts the rows into lines.
        by: Option<&'static str>,
        /// The columns of a range around the first line.
        band: Option<[&'static str; 2]>,
        /// Whether the diagonal is drawn.
        diagonal: bool,
    },
    /// A bar a row, the longest `most` of them.
    Bars {
        /// The column of names.
        names: &'static str,
        /// The column of lengths.
        bars: &'static str,
        /// How they are shown.
        unit: Unit,
        /// Bars, at most.
        most: usize,
    },
    /// A shade for each pair of a row and a column; of more, the last `most` rows and the first `wide` columns.
    Heat {
        /// The column that makes rows, and how it is shown.
        rows: (&'static str, Unit),
        /// The column that makes columns.
        columns: (&'static str, Unit),
        /// The column of shades.
        shades: &'static str,
        /// How they are shown.
        unit: Unit,
        /// Rows, at most.
        most: usize,
        /// Columns, at most, after the first `past`.
        wide: usize,
        /// Columns that are left out: those that are the same in all rows.
        past: usize,
    },
    /// Steps between two totals, in the order of the rows.
    Bridge {
        /// The column of names.
        names: &'static str,
        /// The column of amounts.
        steps: &'static str,
    },
}

/// How a value is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number.
    Count,
    /// A share, in percent.
    Share,
    /// A number with decimals.
    Number(usize),
    /// A day.
    Day,
    /// A text of the data.
    Text,
    /// A word that the messages translate.
    Word,
}

impl ChartOf {
    /// Draws it, if its table is among those that were made, and not empty.
    ///
    /// # Errors
    /// If the table has no such column: a defect.
    pub fn of(&self, made: &[Made]) -> Result<Option<Chart>, TableError> {
        let Some(made) = made.iter().find(|m| m.of.name == self.table) else { return Ok(None) };
        let table = Table::of(self.table, made.batch.clone());
        let mut rows: Vec<usize> = (0..table.rows()).collect();
        for (column, wanted) in self.only {
            let texts = table.texts(column)?;
            rows.retain(|i| texts[*i] == *wanted);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let drawn = match self.picture {
            Picture::Lines { x, y, unit, by, band, diagonal } => {
                let mut names: Vec<Option<Cell>> = vec![None];
                let mut parts = vec![rows.clone()];
                if let Some(by) = by {
                    let texts = table.texts(by)?;
                    let kinds: BTreeSet<&str> = rows.iter().map(|i| texts[*i]).collect();
                    names = kinds.iter().map(|k| Some(Cell::word(*k))).collect();
                    parts = kinds
                        .iter()
                        .map(|k| rows.iter().copied().filter(|i| texts[*i] == *k).collect())
                        .collect();
                }
                // Lines share the places across of the longest of them.
                let longest = parts.iter().max_by_key(|p| p.len()).cloned().unwrap_or_default();
                let across = column(&table, x.0, x.1, &longest)?;
                let mut lines = Vec::new();
                for (name, part) in names.into_iter().zip(&parts) {
                    let places = column(&table, x.0, x.1, part)?.cells;
                    for wanted in y {
                        let own = column(&table, wanted, unit, part)?;
                        let at = |place: &Cell| {
                            places.iter().position(|p| p == place).map(|i| own.cells[i].clone())
                        };
                        let cells = across.cells.iter().map(|p| at(p).unwrap_or(Cell::Blank)).collect();
                        lines.push(Values { column: wanted, name: name.clone(), cells });
                    }
                }
                let band = match band {
                    Some([low, high]) => {
                        Some([column(&table, low, unit, &longest)?, column(&table, high, unit, &longest)?])
                    }
                    None => None,
                };
                Drawn::Lines { x: across, lines, band, diagonal }
            }
            Picture::Bars { names, bars, unit, most } => {
                let lengths = table.f64s(bars)?;
                if rows.len() > most {
                    rows.sort_by(|a, b| lengths[*b].total_cmp(&lengths[*a]).then(a.cmp(b)));
                    rows.truncate(most);
                }
                Drawn::Bars {
                    names: column(&table, names, Unit::Word, &rows)?,
                    bars: column(&table, bars, unit, &rows)?,
                }
            }
            Picture::Heat { rows: down, columns: across, shades, unit, most, wide, past } => {
                let values = column(&table, shades, unit, &rows)?;
                // A row without any value, such as that of those who came since, is not shown.
                let told: Vec<usize> = (0..rows.len()).filter(|i| values.cells[*i] != Cell::Blank).collect();
                let rows_told: Vec<usize> = told.iter().map(|i| rows[*i]).collect();
                let (mut down, of_row) = kinds(&table, down.0, down.1, &rows_told)?;
                let (mut across, of_column) = kinds(&table, across.0, across.1, &rows)?;
                let hidden = down.cells.len().saturating_sub(most);
                down.cells.drain(..hidden);
                across.cells.drain(..past.min(across.cells.len()));
                across.cells.truncate(wide);
                let mut cells = vec![Cell::Blank; down.cells.len() * across.cells.len()];
                for (row, i) in of_row.iter().zip(told) {
                    if let (Some(row), Some(place)) =
                        (row.checked_sub(hidden), of_column[i].checked_sub(past))
                        && place < across.cells.len()
                    {
                        cells[row * across.cells.len() + place] = values.cells[i].clone();
                    }
                }
                Drawn::Heat { rows: down, columns: across, shades: Values { cells, ..values } }
            }
            Picture::Bridge { names, steps } => Drawn::Bridge {
                names: column(&table, names, Unit::Word, &rows)?,
                steps: column(&table, steps, Unit::Count, &rows)?,
            },
        };
        Ok(Some(Chart { key: self.key, table: self.table, drawn }))
    }
}

/// The different values of a column in the order of their first rows, and for each row the place of its value.
fn kinds(
    table: &Table,
    name: &'static str,
    unit: Unit,
    rows: &[usize],
) -> Result<(Values, Vec<usize>), TableError> {
    let mut places = HashMap::new();
    let mut firsts = Vec::new();
    let mut place = |value: Key, row: usize| {
        *places.entry(value).or_insert_with(|| {
            firsts.push(row);
            firsts.len() - 1
        })
    };
    let of_rows: Vec<usize> = if matches!(unit, Unit::Text | Unit::Word) {
        let texts = table.texts(name)?;
        rows.iter().map(|i| place(Key::Text(texts[*i].to_owned()), *i)).collect()
    } else {
        let numbers = table.f64s(name)?;
        rows.iter().map(|i| place(Key::Number(numbers[*i].to_bits()), *i)).collect()
    };
    Ok((column(table, name, unit, &firsts)?, of_rows))
}

/// A value that can be looked up.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Text(String),
    Number(u64),
}

/// Some rows of a column, as cells; nulls are blank.
fn column(table: &Table, name: &'static str, unit: Unit, rows: &[usize]) -> Result<Values, TableError> {
    let number = |f: fn(f64, usize) -> Cell, decimals: usize| -> Result<Vec<Cell>, TableError> {
        let all = table.f64s(name)?;
        Ok(rows
            .iter()
            .map(|i| if all[*i].is_finite() { f(all[*i], decimals) } else { Cell::Blank })
            .collect())
    };
    let text = |f: fn(String) -> Cell| -> Result<Vec<Cell>, TableError> {
        let all = table.texts(name)?;
        Ok(rows.iter().map(|i| f(all[*i].to_owned())).collect())
    };
    let cells = match unit {
        Unit::Count => number(|v, _| Cell::Count(v), 0)?,
        Unit::Share => number(|v, _| Cell::Share(v), 0)?,
        Unit::Number(decimals) => number(Cell::Number, decimals)?,
        Unit::Day => number(|v, _| Cell::Day(Day(v as i32)), 0)?,
        Unit::Text => text(Cell::Text)?,
        Unit::Word => text(Cell::Word)?,
    };
    Ok(Values { column: name, name: None, cells })
}
