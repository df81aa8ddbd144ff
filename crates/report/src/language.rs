//! The words of a language, from one file: headings, labels, words, and sentences with places for values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use tillwise_core::figures::{fixed, grouped, percent, signed_percent};
use tillwise_core::told::{Cell, Message};
use tillwise_core::{shortened, shown};

use crate::ReportError;

/// The characters of a text of the data in a sentence or on the page.
pub(crate) const LONG_TEXT: usize = 2000;

/// The messages of a language, as its file has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Such as `en`.
    pub code: String,
    /// `ltr` or `rtl`.
    pub direction: String,
    /// Of sections, on the page.
    headings: BTreeMap<String, String>,
    /// Of sentences, at the left of the terminal; a sentence without one continues the one before it, and one with an empty
    /// label stands at the left itself.
    labels: BTreeMap<String, String>,
    /// Names of columns, models, parts.
    words: BTreeMap<String, String>,
    /// Sentences, with `{names}` of values.
    sentences: BTreeMap<String, String>,
    /// Of pictures: what they show.
    chart_titles: BTreeMap<String, String>,
    /// Of pictures: how to read them, and how their numbers came about.
    chart_captions: BTreeMap<String, String>,
}

impl Language {
    /// English.
    ///
    /// # Errors
    /// If its file is broken: a defect.
    pub fn english() -> Result<Language, ReportError> {
        toml::from_str(include_str!("../messages/en.toml"))
            .map_err(|e| ReportError::Messages { problem: e.to_string() })
    }

    /// The heading of a section.
    pub(crate) fn heading(&self, key: &str) -> Result<&str, ReportError> {
        words_of(&self.headings, key)
    }

    /// What a picture shows.
    pub(crate) fn chart_title(&self, key: &str) -> Result<&str, ReportError> {
        words_of(&self.chart_titles, key)
    }

    /// How a picture is read.
    pub(crate) fn chart_caption(&self, key: &str) -> Result<&str, ReportError> {
        words_of(&self.chart_captions, key)
    }

    /// Whether the language is written from right to left.
    pub(crate) fn is_rtl(&self) -> bool {
        self.direction == "rtl"
    }

    /// The label of a sentence. Without one, it continues the sentence before.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// A word, or what stands for it.
    pub(crate) fn word<'a>(&'a self, key: &'a str) -> Cow<'a, str> {
        match self.words.get(key) {
            Some(word) => Cow::Borrowed(word),
            None => Cow::Owned(key.replace('_', " ")),
        }
    }

    /// A sentence with its values.
    ///
    /// # Errors
    /// If the language has no such sentence, or the message not all of its values: a defect.
    pub fn sentence(&self, message: &Message) -> Result<String, ReportError> {
        let missing = || ReportError::NoMessage { key: message.key.to_string() };
        let mut rest = words_of(&self.sentences, &message.key)?;
        let mut said = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(missing)?;
            let value = message.values.iter().find(|(n, _)| *n == name);
            let (_, value) = value.ok_or_else(|| ReportError::NoValue {
                key: message.key.to_string(),
                name: name.to_owned(),
            })?;
            said.push_str(before);
            said.push_str(&self.cell(value, LONG_TEXT)?);
            rest = after;
        }
        said.push_str(rest);
        Ok(said)
    }

    /// A value as people of the language read it, text of the data cut after `most` characters. What is not a number is a dash.
    pub(crate) fn cell(&self, cell: &Cell, most: usize) -> Result<String, ReportError> {
        Ok(match cell {
            Cell::Blank | Cell::Bar(_) => String::new(),
            Cell::Text(text) => shown(&shortened(text, most)).into_owned(),
            Cell::Word(word) => self.word(word).into_owned(),
            Cell::Count(n) => grouped(*n),
            Cell::Share(share) => percent(*share),
            Cell::Change(share) => signed_percent(*share),
            Cell::Number(n, decimals) => fixed(*n, *decimals),
            Cell::Range { value, low, high, decimals } => {
                let range = if low.is_finite() && high.is_finite() {
                    format!(" ({}-{})", fixed(*low, *decimals), fixed(*high, *decimals))
                } else {
                    String::new()
                };
                fixed(*value, *decimals) + &range
            }
            Cell::Day(day) => day.to_string(),
            Cell::Said(message) => self.sentence(message)?,
            Cell::List(cells) => {
                cells.iter().map(|c| self.cell(c, most)).collect::<Result<Vec<_>, _>>()?.join(", ")
            }
        })
    }
}

/// The words for a key, or that there are none: a defect.
fn words_of<'a>(words: &'a BTreeMap<String, String>, key: &str) -> Result<&'a str, ReportError> {
    words.get(key).map(String::as_str).ok_or_else(|| ReportError::NoMessage { key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names in a sentence.
    fn places(sentence: &str) -> BTreeSet<&str> {
        sentence.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
    }

    /// The text of the first string literal, and what follows it.
    fn literal(code: &str) -> Option<(&str, &str)> {
        code.trim_start().strip_prefix('"')?.split_once('"')
    }

    fn sources(folder: &Path, all: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                sources(&entry, all);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                all.push(fs::read_to_string(&entry).unwrap());
            }
        }
    }

    /// Messages that are rare would else miss their words in the night that needs them.
    #[test]
    fn every_message_of_the_code_has_words_and_all_of_its_values() {
        let mut all = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut all);
        let english = Language::english().unwrap();
        let (mut messages, mut sections) = (0, 0);
        for code in &all {
            let code = code.split("#[cfg(test)]").next().unwrap();
            for after in code.split("message!(").skip(1) {
                let Some((key, rest)) = literal(after) else { continue };
                let Some(sentence) = english.sentences.get(key) else { panic!("no words for `{key}`") };
                let call = &rest[..rest.find(';').unwrap_or(rest.len())];
                for name in places(sentence) {
                    assert!(call.contains(&format!("{name} =")), "`{key}` is not given `{name}`: {call}");
                }
                messages += 1;
            }
            for after in [".say(", ".say_on_page("].iter().flat_map(|call| code.split(call).skip(1)) {
                let Some((key, rest)) = literal(after) else { continue };
                let Some(sentence) = english.sentences.get(key) else { panic!("no words for `{key}`") };
                // Values that are not written out here are given by a name; runs check those.
                let call = &rest[..rest.find(';').unwrap_or(rest.len())];
                for name in places(sentence).into_iter().filter(|_| call.contains("vec![(")) {
                    assert!(call.contains(&format!("\"{name}\"")), "`{key}` is not given `{name}`: {call}");
                }
                messages += 1;
            }
            for (key, _) in code.split("Section::new(").skip(1).filter_map(literal) {
                assert!(english.headings.contains_key(key), "no heading for `{key}`");
                sections += 1;
            }
        }
        assert!(messages > 80 && sections > 10, "{messages} messages, {sections} sections");
    }
}
