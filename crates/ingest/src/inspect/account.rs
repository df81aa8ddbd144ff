//! The accounting that a proposed config will give, by reading all rows with it; and what only all rows can tell: who is
//! nobody, ids that differ in their spelling alone, days that stand in the export twice, codes that are no products.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::AsArray;
use arrow::datatypes::Date32Type;
use rayon::prelude::*;
use tillwise_core::{Day, SCALE};

use super::words::{NOBODY, TOTALS};
use crate::identity;
use crate::quality::{FileQuality, MonthQuality, by_month};
use crate::rows::{Reason, RowReader, Stats};
use crate::source::{Block, Source};
use crate::{IngestError, Plan};

/// Rows whose repeats are looked for, at most.
const MOST_ROWS: usize = 5_000_000;
/// Customers and products looked at, at most.
const MOST_CUSTOMERS: usize = 3_000_000;
/// Share of a day's rows that repeat others, from which on the day counts as standing twice.
const TWICE: f64 = 0.25;
/// Codes listed, at most.
const MOST_CODES: usize = 12;
/// Share of the rows of one customer from which on it may be nobody.
const CROWD: f64 = 0.05;

/// What the rows come to.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Rows read.
    pub rows: u64,
    /// Rows accepted.
    pub accepted: u64,
    /// Rejected rows by reason, the most frequent first.
    pub rejected: Vec<Rejected>,
    /// The same accounting by file.
    pub files: Vec<FileQuality>,
    /// Months of which more than a fifth could not be read.
    pub months: Vec<MonthQuality>,
    /// First accepted day.
    pub first: Option<Day>,
    /// Last accepted day.
    pub last: Option<Day>,
    /// Sales less returns.
    pub net: f64,
    /// Customers.
    pub customers: usize,
    /// Accepted rows that take money back.
    pub returns: u64,
}

/// The rows that are rejected for one reason.
#[derive(Clone, Debug)]
pub struct Rejected {
    pub(super) why: Reason,
    /// How many.
    pub rows: u64,
    /// Where the first is, and its value.
    pub first: String,
}

impl Rejected {
    /// The code of the reason, as in the rejects.
    pub fn reason(&self) -> &'static str {
        self.why.code()
    }
}

/// What only all rows can tell.
#[derive(Default)]
pub struct Found {
    pub account: Account,
    /// The rows of each customer.
    pub crowd: Tallies,
    /// Customers of whom no row is a sale.
    pub returns_only: usize,
    pub overlap: Vec<String>,
    /// Rows that repeat an earlier one in every field.
    pub repeats: u64,
    pub odd_products: Vec<String>,
    pub currency: (Option<String>, Option<String>),
    pub notes: Vec<String>,
}

/// Rows of one customer, or of one product.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub rows: u64,
    /// Those of them that are sales.
    pub sales: u64,
}

/// Rows by customer, or by product.
pub type Tallies = HashMap<String, Tally>;

fn count(tallies: &mut Tallies, name: &str, tally: Tally) {
    match tallies.get_mut(name) {
        Some(known) => (known.rows, known.sales) = (known.rows + tally.rows, known.sales + tally.sales),
        None => drop(tallies.insert(name.to_owned(), tally)),
    }
}

/// Adds what a block has. Once there are too many names, new ones are left out; which, is the same in every run.
fn add(all: &mut Tallies, of_block: Tallies) {
    let mut names: Vec<(String, Tally)> = of_block.into_iter().collect();
    if all.len() + names.len() > MOST_CUSTOMERS {
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    }
    for (name, tally) in names {
        if all.len() < MOST_CUSTOMERS || all.contains_key(&name) {
            count(all, &name, tally);
        }
    }
}

#[derive(Default)]
struct BlockSeen {
    stats: Stats,
    rejects: BTreeMap<Reason, (u64, String)>,
    unreadable: u64,
    crowd: Tallies,
    products: Tallies,
    rows: Vec<(u128, i32)>,
    months: BTreeMap<i32, u64>,
}

/// Reads all rows with a plan, and keeps no line.
pub fn account(plan: &Plan) -> Result<Found, IngestError> {
    let rules = plan.rules(false)?;
    let mut found = Found::default();
    let mut stats = Stats::default();
    let mut rejected: BTreeMap<Reason, (u64, String)> = BTreeMap::new();
    let mut hashes: Vec<(u128, i32)> = Vec::new();
    let mut products = Tallies::new();
    let mut months: BTreeMap<i32, u64> = BTreeMap::new();
    for (number, file) in plan.files.iter().enumerate() {
        let mut source = Source::open(file, &plan.input.of_file(&file.name), &plan.columns, &plan.base)?;
        found.notes.extend(source.sheets.said().iter().map(|n| format!("{}: {n}", file.name)));
        let layout = source.layout().clone();
        let mut of_file = FileQuality { file: file.name.clone(), ..FileQuality::default() };
        let mut above = Vec::new();
        source.rounds(|round| {
            let keep = hashes.len() < MOST_ROWS;
            let look = |block: &Block, above: crate::rows::Above| {
                let mut reader = RowReader::new(&rules[number], &layout, number);
                reader.above = above;
                layout.read(block, &mut reader);
                let above = std::mem::take(&mut reader.above);
                (seen_in(reader, &rules[number], &file.name, keep), above)
            };
            let seen: Vec<BlockSeen> = if layout.slots.fill.is_empty() {
                round.par_iter().map(|b| look(b, Vec::new()).0).collect()
            } else {
                let mut all = Vec::new();
                for block in round {
                    let (seen, next) = look(block, std::mem::take(&mut above));
                    above = next;
                    all.push(seen);
                }
                all
            };
            let (mut crowds, mut shelves) = (Vec::new(), Vec::new());
            for s in seen {
                of_file.rows += s.stats.rows;
                of_file.accepted += s.stats.accepted;
                of_file.rejected += s.stats.rows - s.stats.accepted;
                of_file.unreadable += s.unreadable;
                stats.add(&s.stats);
                for (reason, (n, place)) in s.rejects {
                    rejected.entry(reason).or_insert((0, place)).0 += n;
                }
                crowds.push(s.crowd);
                shelves.push(s.products);
                for (month, n) in s.months {
                    *months.entry(month).or_default() += n;
                }
                if keep {
                    hashes.extend(s.rows);
                }
            }
            rayon::join(
                || crowds.into_iter().for_each(|crowd| add(&mut found.crowd, crowd)),
                || shelves.into_iter().for_each(|shelf| add(&mut products, shelf)),
            );
        })?;
        found.account.files.push(of_file);
    }
    let a = &mut found.account;
    (a.rows, a.accepted, a.returns, a.first, a.last) =
        (stats.rows, stats.accepted, stats.returns, stats.first, stats.last);
    a.net = (stats.gross - stats.returned) as f64 / SCALE as f64;
    a.customers = found.crowd.len();
    found.returns_only = found.crowd.values().filter(|tally| tally.sales == 0).count();
    a.rejected = rejected.into_iter().map(|(why, (rows, first))| Rejected { why, rows, first }).collect();
    a.rejected.sort_by_key(|r| std::cmp::Reverse(r.rows));
    a.months = by_month(&months, &stats.unreadable);
    a.months.retain(|m| m.unreadable * 4 > m.accepted);
    found.currency = (stats.currency, stats.other_currency);
    (found.repeats, found.overlap) = overlap(&mut hashes);
    found.odd_products = odd_products(&products);
    Ok(found)
}

fn seen_in(mut reader: RowReader<'_>, rules: &crate::rows::Rules, file: &str, keep: bool) -> BlockSeen {
    let mut seen = BlockSeen::default();
    let mut parsed = std::mem::take(&mut reader.parsed);
    seen.stats = parsed.stats;
    for reject in &parsed.rejects {
        seen.unreadable += u64::from(reject.reason.is_unreadable());
        let entry = seen.rejects.entry(reject.reason).or_insert_with(|| {
            (
                0,
                format!(
                    "{file}, line {}{}: `{}`",
                    reject.line,
                    reject.part.map(|p| format!(", {}", p.key())).unwrap_or_default(),
                    reject.value
                ),
            )
        });
        entry.0 += 1;
    }
    for (month, lines) in &mut parsed.months {
        let taken = std::mem::take(&mut lines.hashes);
        *seen.months.entry(*month).or_default() += taken.len() as u64;
        let Ok(batch) = lines.finish(rules) else { continue };
        let texts = |name: &str| batch.column_by_name(name).and_then(|c| c.as_string_opt::<i32>().cloned());
        if keep
            && let Some(days) =
                batch.column_by_name("order_date").and_then(|c| c.as_primitive_opt::<Date32Type>())
        {
            seen.rows.extend(taken.into_iter().zip(days.values().iter().copied()));
        }
        let returns = batch.column_by_name("is_return").and_then(|c| c.as_boolean_opt());
        for (column, tallies) in [("customer_id", &mut seen.crowd), ("product", &mut seen.products)] {
            let Some(names) = texts(column) else { continue };
            for (i, name) in names.iter().enumerate() {
                let Some(name) = name else { continue };
                let is_sale = returns.is_some_and(|r| !r.value(i));
                count(tallies, name, Tally { rows: 1, sales: u64::from(is_sale) });
            }
        }
    }
    seen
}

/// What the ids of customers say of themselves.
#[derive(Default)]
pub struct Ids {
    pub no_customer: Vec<String>,
    pub totals: Vec<String>,
    pub fold_case: bool,
    pub numeric: bool,
    pub notes: Vec<String>,
    pub unsure: Vec<String>,
    /// Why the column cannot name customers.
    pub hopeless: Option<String>,
}

/// Looks at the ids of all customers.
pub fn ids(crowd: &Tallies) -> Ids {
    let mut ids = Ids::default();
    let sorted = by_rows(crowd.iter());
    let rows: u64 = sorted.iter().map(|(_, n)| n).sum();
    // Excel rounds long numbers, and several customers become one.
    let scientific = |id: &str| {
        let id = id.to_ascii_lowercase();
        id.split_once("e+").is_some_and(|(m, e)| {
            m.contains('.')
                && e.bytes().all(|b| b.is_ascii_digit())
                && m.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        })
    };
    let rounded: u64 = sorted.iter().filter(|(id, _)| scientific(id)).map(|(_, n)| n).sum();
    if rounded * 2 > rows {
        ids.hopeless = sorted.first().map(|(id, _)| {
            format!("its ids are numbers that Excel has rounded, such as `{id}`, so that several customers have one; export it again with the column as text")
        });
        return ids;
    }
    if rounded > 0 {
        ids.unsure.push(format!(
            "{rounded} rows have customer ids that Excel has rounded, such as `{}`",
            sorted.iter().find(|(id, _)| scientific(id)).map_or("", |s| s.0)
        ));
    }
    // Among numbers and addresses, a word is no customer like others.
    let coded = |id: &str| id.contains('@') || id.bytes().any(|b| b.is_ascii_digit());
    let codes = sorted.iter().filter(|(id, _)| coded(id)).count();
    let odd = |id: &str| !coded(id) && codes * 10 >= sorted.len() * 9 && sorted.len() > 10;
    for (id, n) in sorted.iter().take(50) {
        let lower = id.to_lowercase();
        let name = lower.split('@').next().unwrap_or(&lower);
        let bare: &str = name.trim_end_matches(|c: char| c.is_ascii_digit());
        // 99999999 and 0000 are typed where there is no number.
        let filler = lower.len() >= 4 && ["9", "0"].iter().any(|d| lower.replace(d, "").is_empty());
        let nobody = filler
            || NOBODY.contains(&lower.as_str())
            || (lower.contains('@')
                && (NOBODY.contains(&name)
                    || ["noreply", "no-reply", "none", "nobody", "no", "guest", "anonymous"]
                        .contains(&bare)));
        let share = *n as f64 / rows.max(1) as f64;
        if nobody && (share > 0.005 || crowd.len() > 50) && share > 3.0 / crowd.len().max(1) as f64 {
            ids.no_customer.push(lower);
            ids.notes.push(format!(
                "`{id}` holds {:.1} % of the rows and names nobody: it counts as no customer",
                100.0 * share
            ));
        } else if odd(id) && share > 0.02 && share > 5.0 / crowd.len().max(1) as f64 {
            ids.no_customer.push(lower);
            ids.unsure.push(format!(
                "`{id}` holds {:.1} % of the rows and looks like no other customer: it counts as no customer; if it is one, take it out of no_customer",
                100.0 * share
            ));
        } else if share > CROWD && crowd.len() > 60 && share > 40.0 / crowd.len() as f64 {
            ids.unsure.push(format!(
                "the customer `{id}` holds {:.1} % of the rows; if it names nobody, put it into no_customer",
                100.0 * share
            ));
        }
    }
    // Rows that sum up others.
    let lowered = LazyCell::new(|| crowd.keys().map(|id| id.to_lowercase()).collect::<HashSet<String>>());
    let mut totals: Vec<&str> = Vec::new();
    let mut example = None;
    let mut n_totals = 0;
    for (id, n) in &sorted {
        let lower = id.to_lowercase();
        for word in TOTALS {
            let exact = lower == *word;
            let of_other = lower
                .strip_suffix(word)
                .map(str::trim_end)
                .or(lower.strip_prefix(word).map(str::trim_start))
                .filter(|rest| rest.len() + word.len() < lower.len())
                .is_some_and(|rest| lowered.contains(rest));
            if exact || of_other {
                n_totals += n;
                example.get_or_insert(*id);
                if !totals.contains(word) {
                    totals.push(word);
                }
                break;
            }
        }
    }
    if let Some(example) = example {
        totals.sort_unstable();
        ids.totals =
            totals.iter().flat_map(|w| [(*w).to_owned(), format!("* {w}"), format!("{w} *")]).collect();
        ids.notes.push(format!(
            "{n_totals} rows sum up others, such as `{example}`, and are rejected as total_row"
        ));
    }
    // Spellings.
    let mut by_case: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    let mut by_number: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    let mut numeric_rows = 0;
    for (id, n) in sorted {
        if id.chars().any(char::is_alphabetic) {
            by_case.entry(id.to_lowercase()).or_default().push(id);
        }
        if id.bytes().all(|b| b.is_ascii_digit() || b",. '".contains(&b)) {
            numeric_rows += n;
            by_number.entry(identity::number(id).into_owned()).or_default().push(id);
        }
    }
    let joined: Vec<&Vec<&String>> = by_case.values().filter(|v| v.len() > 1).collect();
    if !joined.is_empty() {
        // Whole ids in capitals or not: nobody was given both. Single letters may tell two apart.
        let plain = |id: &&String| {
            !id.chars().any(char::is_lowercase)
                || !id.chars().any(char::is_uppercase)
                || id.split_whitespace().all(|w| w.chars().skip(1).all(|c| !c.is_uppercase()))
        };
        let whole = joined.iter().filter(|v| v.iter().all(plain)).count();
        let shown = two_of(joined[0]);
        if whole * 10 >= joined.len() * 9 {
            ids.fold_case = true;
            ids.notes.push(format!("{} customers are written in capitals and in small letters, such as {shown}: they count as one each", joined.len()));
        } else {
            ids.unsure.push(format!("{} pairs of customer ids differ in capital letters only, such as {shown}; set fold_case = true if they are one", joined.len()));
        }
    }
    let joined: Vec<&Vec<&String>> = by_number.values().filter(|v| v.len() > 1).collect();
    if !joined.is_empty() && numeric_rows * 2 > rows {
        let shown = two_of(joined[0]);
        ids.numeric = true;
        ids.notes.push(format!(
            "{} customer numbers are written in several ways, such as {shown}: they count as one each",
            joined.len()
        ));
    }
    ids
}

/// Names with their rows: those with the most first, then by name.
fn by_rows<'a>(tallies: impl Iterator<Item = (&'a String, &'a Tally)>) -> Vec<(&'a String, u64)> {
    let mut sorted: Vec<(&String, u64)> = tallies.map(|(name, tally)| (name, tally.rows)).collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    sorted
}

fn two_of(ids: &[&String]) -> String {
    ids.iter().take(2).map(|s| format!("`{s}`")).collect::<Vec<_>>().join(" and ")
}

/// The days that most repeats fall on, if they make up runs.
fn overlap(rows: &mut [(u128, i32)]) -> (u64, Vec<String>) {
    let mut by_day: BTreeMap<i32, (u64, u64)> = BTreeMap::new();
    rows.par_sort_unstable();
    let mut repeats = 0u64;
    for group in rows.chunk_by(|a, b| a == b) {
        let day = by_day.entry(group[0].1).or_default();
        day.0 += group.len() as u64;
        day.1 += group.len() as u64 - 1;
        repeats += group.len() as u64 - 1;
    }
    if repeats == 0 {
        return (0, Vec::new());
    }
    let mut notes = vec![format!("{repeats} rows repeat an earlier row in every field")];
    let days: Vec<(i32, u64, u64)> = by_day.into_iter().map(|(d, (n, r))| (d, n, r)).collect();
    let twice = |d: &(i32, u64, u64)| d.2 as f64 >= TWICE * d.1 as f64 && d.2 >= 10;
    for run in days.chunk_by(|a, b| twice(a) == twice(b)) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        if twice(first) {
            let rows: u64 = run.iter().map(|d| d.2).sum();
            notes.push(format!(
                "the days from {} to {} stand in the export twice ({rows} rows): two exports overlap there; \
                 repeats_within_file = \"drop\" counts them once",
                Day(first.0),
                Day(last.0)
            ));
        }
    }
    (repeats, notes)
}

/// Codes without a digit, where nearly all others have one.
fn odd_products(products: &Tallies) -> Vec<String> {
    let has_digit = |code: &str| code.bytes().any(|b| b.is_ascii_digit());
    let is_test = |code: &str| code.to_ascii_uppercase().starts_with("TEST");
    let rows: u64 = products.values().map(|tally| tally.rows).sum();
    let odd = by_rows(products.iter().filter(|(c, _)| !has_digit(c) || is_test(c)));
    if odd.iter().map(|(_, n)| n).sum::<u64>() * 10 > rows {
        return Vec::new();
    }
    odd.into_iter().take(MOST_CODES).map(|(c, _)| c.clone()).collect()
}
