//! What is told, as data: the key of a sentence and the values in it, never the sentence. The words are a language's: see the crate
//! `report`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Day, number_or_nan};

/// A sentence: the key of its words, and its values by their names. [`message!`](crate::message!) makes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Message {
    /// Names the sentence.
    pub key: Cow<'static, str>,
    /// Its values by their names.
    pub values: Vec<(Cow<'static, str>, Cell)>,
}

/// A message as a file has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Message { key: String, values: Vec<(String, Cell)> },
    // What version 0.1 kept with its models.
    Words(String),
}

impl From<Kept> for Message {
    fn from(kept: Kept) -> Message {
        match kept {
            Kept::Message { key, values } => Message {
                key: key.into(),
                values: values.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            },
            Kept::Words(words) => crate::message!("said", words = words),
        }
    }
}

/// A [`Message`](crate::told::Message): `message!("few_churners", rows = 12usize)`. Texts may stand as they are.
#[macro_export]
macro_rules! message {
    ($key:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::told::Message {
            key: std::borrow::Cow::Borrowed($key),
            values: vec![$((std::borrow::Cow::Borrowed(stringify!($name)), $crate::told::Cell::from($value))),*],
        }
    };
}

/// A value as it is, before it is written in a language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Nothing to show.
    Blank,
    /// Text of the data: a customer, a product, a rule.
    Text(String),
    /// A word that the messages translate; one that they do not know is shown as it is.
    Word(String),
    /// A whole number.
    Count(#[serde(deserialize_with = "number_or_nan")] f64),
    /// A share, shown in percent.
    Share(#[serde(deserialize_with = "number_or_nan")] f64),
    /// A difference as a share, shown in percent with its sign.
    Change(#[serde(deserialize_with = "number_or_nan")] f64),
    /// A number with so many decimals.
    Number(#[serde(deserialize_with = "number_or_nan")] f64, usize),
    /// A number with its interval, and so many decimals.
    Range {
        /// The number.
        #[serde(deserialize_with = "number_or_nan")]
        value: f64,
        /// The lower end; NaN without one.
        #[serde(deserialize_with = "number_or_nan")]
        low: f64,
        /// The upper end.
        #[serde(deserialize_with = "number_or_nan")]
        high: f64,
        /// Decimals.
        decimals: usize,
    },
    /// A day.
    Day(Day),
    /// A share as a bar; the terminal leaves it out.
    Bar(#[serde(deserialize_with = "number_or_nan")] f64),
    /// Words one after another.
    List(Vec<Cell>),
    /// A sentence within a sentence.
    Said(Box<Message>),
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

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        Cell::Text(text.clone())
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Cell {
        Cell::count(count)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Cell {
        Cell::Count(count as f64)
    }
}

impl From<i32> for Cell {
    fn from(count: i32) -> Cell {
        Cell::Count(f64::from(count))
    }
}

impl From<Day> for Cell {
    fn from(day: Day) -> Cell {
        Cell::Day(day)
    }
}

impl From<Message> for Cell {
    fn from(message: Message) -> Cell {
        Cell::Said(Box::new(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_kept_and_words_of_old_models_are_read() {
        let note = message!(
            "a_note",
            of = "clv",
            share = Cell::Share(f64::NAN),
            day = Day(3),
            within = message!("b")
        );
        let text = serde_json::to_string(&note).unwrap();
        let back: Message = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        let old: Message = serde_json::from_str("\"mind the gap\"").unwrap();
        assert_eq!(old, message!("said", words = "mind the gap"));
    }
}
