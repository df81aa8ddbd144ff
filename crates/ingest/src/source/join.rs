//! Columns of the same rows from other files, found by a key: an order's customer, a customer's name.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::{Source, bare};
use crate::config::{Columns, Input, Join};
use crate::identity;
use crate::rows::{Reason, TakeRows};
use crate::{IngestError, InputFile};

/// A file in memory, by its key.
pub struct Loaded {
    file: String,
    key: String,
    /// Its columns but the key.
    headers: Vec<String>,
    rows: Arc<HashMap<String, Vec<Vec<u8>>>>,
}

/// The same, once it is known where the key is in the rows that it is joined onto.
#[derive(Clone, Debug)]
pub struct Joined {
    key: usize,
    /// Which of its columns are put behind the row.
    width: usize,
    rows: Arc<HashMap<String, Vec<Vec<u8>>>>,
}

/// Rows that a key may have in a joined file: one. A second one with other values is an error of the files.
struct Collect<'a> {
    key: usize,
    rows: HashMap<String, Vec<Vec<u8>>>,
    twice: Option<String>,
    layout: &'a super::Layout,
}

impl TakeRows for Collect<'_> {
    fn reject(&mut self, _: u64, _: &[u8], _: Reason) {}

    fn row(&mut self, _: u64, fields: &[&[u8]], _: &dyn Fn() -> u128) {
        let mut fields = fields.to_vec();
        self.layout.joined(&mut fields);
        let Some(key) = fields.get(self.key) else { return };
        let key = identity::id(&String::from_utf8_lossy(bare(key))).into_owned();
        if key.is_empty() {
            return;
        }
        let rest: Vec<Vec<u8>> =
            fields.iter().enumerate().filter(|(i, _)| *i != self.key).map(|(_, f)| f.to_vec()).collect();
        match self.rows.get(&key) {
            Some(known) if *known != rest => self.twice = Some(key),
            Some(_) => {}
            None => drop(self.rows.insert(key, rest)),
        }
    }

    fn blank(&mut self) {}
}

/// Reads the files that are to be joined.
pub fn load(joins: &[Join], input: &Input, base: &Path) -> Result<Vec<Loaded>, IngestError> {
    let mut all = Vec::new();
    for join in joins {
        let path = base.join(&join.file);
        let plain =
            Input { join: Vec::new(), fill_down: Vec::new(), overflow: None, ..input.of_file(&join.file) };
        let file = InputFile { name: join.file.clone(), path: path.clone() };
        let mut source = Source::open(&file, &plain, &Columns::default(), base)?;
        let headers = source.headers.clone().unwrap_or_default();
        let Some(key) = headers.iter().position(|h| *h == join.key) else {
            return Err(IngestError::config(
                "[[input.join]] key",
                format!("{} has no column `{}`, but {}", join.file, join.key, headers.join(", ")),
                "name the column that both files have",
            ));
        };
        let layout = source.layout().clone();
        let mut collect = Collect { key, rows: HashMap::new(), twice: None, layout: &layout };
        while let Some(block) = source.next_block()? {
            layout.read(&block, &mut collect);
        }
        if let Some(twice) = collect.twice {
            return Err(IngestError::config(
                "[[input.join]] key",
                format!("{} has several rows with `{}` = `{twice}`", join.file, join.key),
                "join a file that has one row for each key",
            ));
        }
        let mut headers = headers;
        headers.remove(key);
        all.push(Loaded {
            file: join.file.clone(),
            key: join.key.clone(),
            headers,
            rows: Arc::new(collect.rows),
        });
    }
    Ok(all)
}

impl Loaded {
    /// Joins it onto rows with these headers, which it adds its own to.
    pub fn onto(self, path: &Path, headers: &mut Vec<String>) -> Result<Joined, IngestError> {
        let Some(key) = headers.iter().position(|h| *h == self.key) else {
            return Err(IngestError::config(
                "[[input.join]] key",
                format!(
                    "neither {} nor an earlier join has the column `{}` of {}",
                    path.display(),
                    self.key,
                    self.file
                ),
                "name the column that both files have",
            ));
        };
        let width = self.headers.len();
        // A column of the same name as one that is there already says so.
        for header in self.headers {
            let taken = headers.contains(&header);
            headers.push(if taken { format!("{} {header}", self.file) } else { header });
        }
        Ok(Joined { key, width, rows: self.rows })
    }
}

impl Joined {
    /// Puts the columns of a row's key behind it; blanks where the file does not have the key.
    pub fn add<'f>(&'f self, fields: &mut Vec<&'f [u8]>) {
        let key =
            identity::id(&String::from_utf8_lossy(bare(fields.get(self.key).copied().unwrap_or_default())))
                .into_owned();
        match self.rows.get(&key) {
            Some(row) => fields.extend(row.iter().map(Vec::as_slice)),
            None => fields.extend(std::iter::repeat_n(&b""[..], self.width)),
        }
    }
}
