//! What the columns of a table hold: every cell of every row is looked at, and some rows are kept to compare columns with
//! each other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use crate::numbers::{Form, Meaning};
use crate::rows::{Reason, TakeRows, is_null, lossy};
use crate::source::{Layout, MOMENT, NUMBER, Source};
use crate::{Columns, IngestError, Input, InputFile};

/// Rows kept, at most, to compare columns with each other.
const KEPT_ROWS: usize = 20_000;
/// Rows kept of one block.
const KEPT_OF_BLOCK: usize = 6_000;
/// Values counted of a column, at most; of more it is only known that they are many.
const MOST_VALUES: usize = 300;
/// Different values counted, at most.
const MOST_DISTINCT: usize = 400_000;
/// Looks told apart in a column, at most.
const MOST_LOOKS: usize = 80;
/// The longest cell whose look matters.
const LONGEST: usize = 96;

/// All rows of a file, as far as they matter.
#[derive(Default)]
pub struct Survey {
    pub names: Vec<String>,
    pub has_header: bool,
    pub columns: Vec<Column>,
    pub rows: u64,
    pub sample: Vec<Vec<String>>,
    /// Lines that are not in the encoding.
    pub invalid: Vec<u8>,
    pub notes: Vec<String>,
}

/// What a column holds.
#[derive(Clone, Default)]
pub struct Column {
    /// Cells that stand for something.
    pub filled: u64,
    pub examples: Vec<String>,
    /// Its values with their counts; `None` once they are too many.
    pub values: Option<HashMap<String, u64>>,
    distinct: HashSet<u64, BuildHasherDefault<AsIs>>,
    /// Cells that the file holds as numbers, and as dates.
    pub typed_numbers: u64,
    pub typed_moments: u64,
    pub looks: Vec<Look>,
    /// Cells whose look is none of those.
    pub other_looks: u64,
    pub marks: Marks,
    last: Last,
    /// Where a look is put together.
    scratch: (String, Vec<u64>),
}

/// The cell above: neighbouring rows often have the same value.
#[derive(Clone, Default)]
struct Last {
    text: Vec<u8>,
    /// The place of its look.
    look: Option<usize>,
    form: Option<(Form, Option<&'static str>)>,
}

/// Passes on what is a hash already.
#[derive(Clone, Copy, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Cells that look alike: digits in the same places.
#[derive(Clone, Debug)]
pub struct Look {
    pub key: String,
    pub count: u64,
    /// The first, and those with the largest and the smallest number in each place.
    pub examples: Vec<String>,
    ranges: Vec<(u64, u64)>,
}

/// How the numbers of a column are written.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub numbers: u64,
    /// Without any mark, and those of them with more than three digits.
    pub whole: u64,
    pub long: u64,
    pub decimal_point: u64,
    pub decimal_comma: u64,
    pub groups_point: u64,
    pub groups_comma: u64,
    pub open_point: u64,
    pub open_comma: u64,
    pub blanks: u64,
    pub apostrophes: u64,
    pub currencies: BTreeMap<&'static str, u64>,
    /// A cell with a mark, for messages.
    pub example: Option<String>,
}

impl Marks {
    /// Counts a cell, of which [`Form::of`] says how it is written.
    fn see(&mut self, cell: &[u8], form: Option<(Form, Option<&'static str>)>) {
        let Some((form, currency)) = form else { return };
        self.numbers += 1;
        if let Some(name) = currency {
            *self.currencies.entry(name).or_default() += 1;
        }
        self.blanks += u64::from(form.blanks);
        self.apostrophes += u64::from(form.apostrophes);
        let slot = match form.meaning() {
            Meaning::Whole => {
                self.whole += 1;
                self.long += u64::from(form.whole_digits() > 3 && !form.blanks && !form.apostrophes);
                return;
            }
            Meaning::Decimal(b'.') => {
                if form.has_both() {
                    self.groups_comma += 1;
                }
                &mut self.decimal_point
            }
            Meaning::Decimal(_) => {
                if form.has_both() {
                    self.groups_point += 1;
                }
                &mut self.decimal_comma
            }
            Meaning::Groups(b'.') => &mut self.groups_point,
            Meaning::Groups(_) => &mut self.groups_comma,
            Meaning::Open(b'.') => &mut self.open_point,
            Meaning::Open(_) => &mut self.open_comma,
        };
        *slot += 1;
        if self.example.is_none() || matches!(form.meaning(), Meaning::Open(_)) {
            self.example = Some(lossy(cell));
        }
    }

    pub fn add(&mut self, other: &Marks) {
        self.numbers += other.numbers;
        self.whole += other.whole;
        self.long += other.long;
        self.decimal_point += other.decimal_point;
        self.decimal_comma += other.decimal_comma;
        self.groups_point += other.groups_point;
        self.groups_comma += other.groups_comma;
        self.open_point += other.open_point;
        self.open_comma += other.open_comma;
        self.blanks += other.blanks;
        self.apostrophes += other.apostrophes;
        for (name, n) in &other.currencies {
            *self.currencies.entry(name).or_default() += n;
        }
        if self.example.is_none() || other.open_comma + other.open_point > 0 {
            self.example.clone_from(&other.example.clone().or(self.example.clone()));
        }
    }
}

impl Column {
    fn new() -> Column {
        Column { values: Some(HashMap::new()), ..Column::default() }
    }

    /// How many different values there are; at least that many where they are very many.
    pub fn distinct(&self) -> usize {
        self.distinct.len()
    }

    fn see(&mut self, cell: &[u8]) {
        let (sign, text) = match cell {
            [sign @ (NUMBER | MOMENT), rest @ ..] => (*sign, rest),
            cell => (0, cell),
        };
        let text = text.trim_ascii();
        if is_null(text) {
            return;
        }
        self.filled += 1;
        match sign {
            NUMBER => self.typed_numbers += 1,
            MOMENT => self.typed_moments += 1,
            _ => {}
        }
        if self.last.text == text && self.filled > 1 {
            if let Some(look) = self.last.look.filter(|_| sign != MOMENT) {
                self.looks[look].count += 1;
            }
            if let Some(values) = &mut self.values
                && let Ok(text) = std::str::from_utf8(text)
                && let Some(n) = values.get_mut(text)
            {
                *n += 1;
            }
            if sign == 0 {
                self.marks.see(text, self.last.form);
            }
            return;
        }
        self.last.text.clear();
        self.last.text.extend_from_slice(text);
        (self.last.look, self.last.form) = (None, Form::of(text));
        if self.distinct.len() < MOST_DISTINCT {
            self.distinct.insert(xxh3_64(text));
        }
        if self.examples.len() < 3 && !self.examples.iter().any(|e| e.as_bytes() == text) {
            self.examples.push(lossy(text));
        }
        if let Some(values) = &mut self.values {
            if text.len() <= 80 {
                let shown = String::from_utf8_lossy(text);
                match values.get_mut(shown.as_ref()) {
                    Some(n) => *n += 1,
                    None => drop(values.insert(shown.into_owned(), 1)),
                }
            }
            if values.len() > MOST_VALUES || text.len() > 80 {
                self.values = None;
            }
        }
        if sign == 0 {
            self.marks.see(text, self.last.form);
        }
        if sign != MOMENT && text.len() <= LONGEST {
            self.look_at(text);
        } else if sign == 0 {
            self.other_looks += 1;
        }
    }

    fn look_at(&mut self, text: &[u8]) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        let (key, groups) = &mut self.scratch;
        look_of(text, key, groups);
        if let Some(at) = self.looks.iter().position(|l| l.key == *key) {
            self.last.look = Some(at);
            let look = &mut self.looks[at];
            look.count += 1;
            let mut wider = false;
            for (range, group) in look.ranges.iter_mut().zip(groups.iter()) {
                wider |= *group < range.0 || *group > range.1;
                *range = (range.0.min(*group), range.1.max(*group));
            }
            if wider && look.examples.len() < 40 {
                look.examples.push(text.to_owned());
            }
        } else if self.looks.len() < MOST_LOOKS {
            self.last.look = Some(self.looks.len());
            let ranges = groups.iter().map(|g| (*g, *g)).collect();
            self.looks.push(Look { key: key.clone(), count: 1, examples: vec![text.to_owned()], ranges });
        } else {
            self.other_looks += 1;
        }
    }

    fn add(&mut self, other: Column) {
        self.filled += other.filled;
        self.typed_numbers += other.typed_numbers;
        self.typed_moments += other.typed_moments;
        for example in other.examples {
            if self.examples.len() < 3 && !self.examples.contains(&example) {
                self.examples.push(example);
            }
        }
        self.values = match (self.values.take(), other.values) {
            (Some(mut mine), Some(theirs)) => {
                for (value, n) in theirs {
                    *mine.entry(value).or_default() += n;
                }
                (mine.len() <= MOST_VALUES).then_some(mine)
            }
            _ => None,
        };
        if self.distinct.len() < MOST_DISTINCT {
            self.distinct.extend(other.distinct);
        }
        self.other_looks += other.other_looks;
        for look in other.looks {
            if let Some(mine) = self.looks.iter_mut().find(|l| l.key == look.key) {
                mine.count += look.count;
                for (range, theirs) in mine.ranges.iter_mut().zip(&look.ranges) {
                    *range = (range.0.min(theirs.0), range.1.max(theirs.1));
                }
                mine.examples.extend(look.examples);
                mine.examples.truncate(200);
            } else if self.looks.len() < MOST_LOOKS {
                self.looks.push(look);
            } else {
                self.other_looks += look.count;
            }
        }
        self.marks.add(&other.marks);
    }
}

/// What a text looks like: runs of one or two digits as `9`, longer ones with their length, letters as `a`; and its numbers.
fn look_of(text: &str, key: &mut String, groups: &mut Vec<u64>) {
    key.clear();
    groups.clear();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let value = |c: char| match c.is_ascii() {
            true => c.to_digit(10),
            false => crate::numbers::digit(c).and_then(|c| c.to_digit(10)),
        };
        if let Some(first) = value(c) {
            let (mut number, mut n) = (u64::from(first), 1);
            while let Some(digit) = chars.peek().and_then(|c| value(*c)) {
                number = number.saturating_mul(10).saturating_add(u64::from(digit));
                n += 1;
                chars.next();
            }
            key.push('9');
            if n > 2 {
                key.push_str(&n.to_string());
            }
            groups.push(number);
        } else if c.is_alphabetic() {
            while chars.next_if(|c| c.is_alphabetic() || *c == '\u{200c}').is_some() {}
            key.push('a');
        } else {
            key.push(c);
        }
    }
}

/// Looks at the rows of a block.
struct Looking<'a> {
    layout: &'a Layout,
    /// Whether rows are still kept.
    keeps: bool,
    seen: Survey,
}

impl TakeRows for Looking<'_> {
    fn reject(&mut self, _: u64, value: &[u8], reason: Reason) {
        self.seen.rows += 1;
        if reason == Reason::BadEncoding && self.seen.invalid.len() < 1 << 16 {
            self.seen.invalid.extend_from_slice(value);
            self.seen.invalid.push(b'\n');
        }
    }

    fn row(&mut self, _: u64, fields: &[&[u8]], _: &dyn Fn() -> u128) {
        let mut fields = fields.to_vec();
        self.layout.joined(&mut fields);
        self.seen.rows += 1;
        self.seen.columns.resize_with(self.seen.columns.len().max(fields.len()), Column::new);
        for (column, field) in self.seen.columns.iter_mut().zip(&fields) {
            column.see(field);
        }
        if self.keeps && self.seen.sample.len() < KEPT_OF_BLOCK {
            self.seen
                .sample
                .push(fields.iter().map(|f| String::from_utf8_lossy(f.trim_ascii()).into_owned()).collect());
        }
    }

    fn blank(&mut self) {}
}

/// Looks at all rows of a file.
pub fn survey(file: &InputFile, input: &Input, base: &Path) -> Result<Survey, IngestError> {
    let mut source = Source::open(file, input, &Columns::default(), base)?;
    let layout = source.layout().clone();
    let names = source.headers.clone();
    let mut all = Survey { notes: source.sheets.said(), has_header: names.is_some(), ..Survey::default() };
    source.rounds(|round| {
        let keeps = all.sample.len() < KEPT_ROWS;
        let seen: Vec<Survey> = round
            .par_iter()
            .map(|block| {
                let mut looking = Looking { layout: &layout, keeps, seen: Survey::default() };
                layout.read(block, &mut looking);
                looking.seen
            })
            .collect();
        seen.into_iter().for_each(|s| all.add(s));
    })?;
    let width = names.as_ref().map_or(all.columns.len(), Vec::len);
    all.columns.resize_with(width.max(all.columns.len()), Column::new);
    all.names = names.unwrap_or_else(|| (1..=all.columns.len()).map(|n| n.to_string()).collect());
    all.names.resize(all.columns.len(), String::new());
    all.sample.iter_mut().for_each(|r| r.resize(all.columns.len(), String::new()));
    Ok(all)
}

impl Survey {
    fn add(&mut self, other: Survey) {
        self.rows += other.rows;
        self.columns.resize_with(self.columns.len().max(other.columns.len()), Column::new);
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            mine.add(theirs);
        }
        let room = KEPT_ROWS.saturating_sub(self.sample.len());
        self.sample.extend(other.sample.into_iter().take(room));
        if self.invalid.len() < 1 << 18 {
            self.invalid.extend(other.invalid);
        }
    }

    /// A cell of a kept row, without the sign of its type.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let cell = self.sample[row][column].as_str();
        cell.strip_prefix([NUMBER as char, MOMENT as char]).unwrap_or(cell)
    }

    /// Whether a cell of a kept row stands for something.
    pub fn is_filled(&self, row: usize, column: usize) -> bool {
        !is_null(self.cell(row, column).as_bytes())
    }
}
