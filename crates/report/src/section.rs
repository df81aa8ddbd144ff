//! What is told, as data: keys of messages and values, never sentences. Tellers turn it into text, a page or JSON.

use std::borrow::Cow;

use serde::Serialize;
use tillwise_core::told::{Cell, Message};

use crate::chart::Chart;

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
    /// A picture of a published table; for the page alone.
    Chart(Box<Chart>),
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

impl Section {
    /// A section without anything yet.
    pub fn new(key: &'static str) -> Section {
        Section { key, blocks: Vec::new() }
    }

    /// Adds a sentence.
    pub fn say(&mut self, key: &'static str, values: Vec<(&'static str, Cell)>) {
        self.blocks.push(Block::Say(message(key, values)));
    }

    /// Adds a sentence for the page alone.
    pub fn say_on_page(&mut self, key: &'static str, values: Vec<(&'static str, Cell)>) {
        self.blocks.push(Block::SayOnPage(message(key, values)));
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

fn message(key: &'static str, values: Vec<(&'static str, Cell)>) -> Message {
    let named = values.into_iter().map(|(name, value)| (Cow::Borrowed(name), value));
    Message { key: Cow::Borrowed(key), values: named.collect() }
}
