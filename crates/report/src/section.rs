//! What is told, as data: keys of messages and values, never sentences. Tellers turn it into text, a page or JSON.

use serde::Serialize;
use tillwise_core::Day;

/// A part of what a run tells: a heading and what stands below it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Names its heading in the messages.
    pub key: &'static str,
    /// What stands below.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// A sentence, for the terminal and the page.
    Say(Message),
    /// A sentence for the page alone.
    SayOnPage(Message),
    /// A few figures that are seen first, each with the key of its name; for the page alone.
    Figures(Vec<(&'static str, Cell)>),
    /// A table.
    Grid(Grid),
}

/// A sentence: the key of its words, and the values in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Names the sentence.
    pub key: &'static str,
    /// Its values by their names.
    pub values: Vec<(&'static str, Cell)>,
}

/// A table of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// The heads of its columns.
    pub heads: Vec<Cell>,
    /// Its rows, each as long as the heads.
    pub rows: Vec<Vec<Cell>>,
    /// How many rows the terminal shows; at 0 the table is for the page alone.
    #[serde(skip)]
    pub brief: usize,
}

/// A value as it is, before it is written in a language.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Nothing to show.
    Blank,
    /// Text of the data: a customer, a product, a rule.
    Text(String),
    /// A word that the messages translate; one that they do not know is shown as it is.
    Word(String),
    /// A whole number.
    Count(f64),
    /// A share, shown in percent.
    Share(f64),
    /// A difference as a share, shown in percent with its sign.
    Change(f64),
    /// A number with so many decimals.
    Number(f64, usize),
    /// A number with its interval, and so many decimals.
    Range {
        /// The number.
        value: f64,
        /// The lower end; NaN without one.
        low: f64,
        /// The upper end.
        high: f64,
        /// Decimals.
        decimals: usize,
    },
    /// A day.
    Day(Day),
    /// A share as a bar; the terminal leaves it out.
    Bar(f64),
    /// Words one after another.
    List(Vec<Cell>),
}

impl Section {
    /// A section without anything yet.
    pub fn new(key: &'static str) -> Section {
        Section { key, blocks: Vec::new() }
    }

    /// Adds a sentence.
    pub fn say(&mut self, key: &'static str, values: Vec<(&'static str, Cell)>) {
        self.blocks.push(Block::Say(Message { key, values }));
    }

    /// Adds a sentence for the page alone.
    pub fn say_on_page(&mut self, key: &'static str, values: Vec<(&'static str, Cell)>) {
        self.blocks.push(Block::SayOnPage(Message { key, values }));
    }

    /// Adds a table, of which the terminal shows the first `brief` rows.
    pub fn grid<const N: usize>(
        &mut self,
        heads: [&'static str; N],
        brief: usize,
        rows: impl IntoIterator<Item = [Cell; N]>,
    ) {
        let heads = heads.map(|h| Cell::Word(h.to_owned())).to_vec();
        let rows = rows.into_iter().map(Vec::from).collect();
        self.blocks.push(Block::Grid(Grid { heads, rows, brief }));
    }
}

impl Cell {
    /// Text of the data.
    pub fn text(text: impl Into<String>) -> Cell {
        Cell::Text(text.into())
    }

    /// A word of the messages.
    pub fn word(word: impl Into<String>) -> Cell {
        Cell::Word(word.into())
    }

    /// A whole number.
    pub fn count(count: usize) -> Cell {
        Cell::Count(count as f64)
    }

    /// A share that may not be known.
    pub fn share(share: Option<f64>) -> Cell {
        Cell::Share(share.unwrap_or(f64::NAN))
    }
}
