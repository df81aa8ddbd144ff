//! Looking at a file that nobody has described yet.
//!
//! [`inspect`] reads the beginning of an export to find its encoding, its delimiter, its header, its date format and
//! the part that each column plays, and then reads on to find what cleaning it will need: cancelled
//! orders, days that stand in it twice, codes that are not products. What it is unsure of it says.

mod columns;
mod repeats;
mod sample;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::dates::DateFormat;
use crate::{Cleaning, ColumnRef, Columns, IngestError, Input, InputFile};

use columns::Profile;
use sample::Sample;

/// How an export seems to be meant.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// How to read it. `files` is left to the caller.
    pub input: Input,
    /// What its columns mean.
    pub columns: Columns,
    /// What to clean.
    pub cleaning: Cleaning,
    /// What was seen, worth knowing.
    pub notes: Vec<String>,
    /// What was guessed, and should be looked at.
    pub unsure: Vec<String>,
    /// Codes that do not look like products.
    pub odd_products: Vec<String>,
    /// Every column with a value from it, for comments.
    pub seen: Vec<(String, String)>,
}

/// Looks at files that belong to one export; the first decides how they are read.
///
/// # Errors
/// If a file cannot be read, is empty, or no column looks like a customer, a date, or money.
pub fn inspect(files: &[InputFile]) -> Result<Proposal, IngestError> {
    let Some(first) = files.first() else {
        return Err(IngestError::config("FILE", "no file is named", "name at least one"));
    };
    let mut input = Input::default();
    let mut notes = Vec::new();
    let mut unsure = Vec::new();
    let sample = Sample::take(&first.path, &mut input, &mut notes)?;
    let profiles: Vec<Profile> = (0..sample.width()).map(|c| Profile::of(&sample, c)).collect();

    let (decimal, thousands) = columns::number_marks(&profiles);
    if let Some(decimal) = decimal {
        input.decimal = decimal;
    }
    thousands.clone_into(&mut input.thousands);
    let numbers = crate::numbers::NumberFormat::new(input.decimal, &input.thousands)
        .map_err(|problem| IngestError::config("[input] decimal", problem, "state it by hand"))?;
    let found = columns::assign(&sample, &profiles, &numbers, &mut unsure);

    let missing = |what: &str| {
        let list: Vec<String> = sample.names().iter().map(|n| format!("`{n}`")).collect();
        IngestError::config(
            "init",
            format!("no column of {} looks like {what}; the columns are {}", first.name, list.join(", ")),
            "write tillwise.toml by hand, see README.md",
        )
    };
    let (date, format) = found.date.ok_or_else(|| missing("a date"))?;
    input.date_format = format;
    let reference = |c: usize| match &sample.headers {
        Some(headers) if headers.iter().filter(|h| **h == headers[c]).count() == 1 => {
            ColumnRef::Name(headers[c].clone())
        }
        _ => ColumnRef::Number(c + 1),
    };
    let part = |c: Option<usize>| c.map(reference);
    let columns = Columns {
        customer: Some(reference(found.customer.ok_or_else(|| missing("a customer"))?)),
        order: part(found.order),
        date: Some(reference(date)),
        product: part(found.product),
        quantity: part(found.quantity),
        price: part(found.price),
        amount: part(found.amount),
        category: part(found.category),
        country: part(found.country),
        channel: part(found.channel),
        store: part(found.store),
        currency: part(found.currency),
        unit_cost: part(found.unit_cost),
        cancelled: part(found.cancelled),
    };
    if columns.amount.is_none() && columns.price.is_none() {
        return Err(missing("money (an amount or a price)"));
    }
    let mut cleaning = Cleaning::default();
    if let Some(prefix) =
        found.order.and_then(|o| columns::cancelled_prefix(&sample, o, found.quantity.or(found.amount)))
    {
        notes.push(format!("order numbers that begin with `{prefix}` are taken for cancelled orders"));
        cleaning.cancelled_prefix = prefix;
    }
    if found.order.is_none() {
        unsure.push("no column looks like an order number: every row is taken for an order".to_owned());
    }
    let scan = repeats::scan(files, &input, &columns)?;
    notes.extend(scan.notes);
    let odd_products = scan.odd_products;
    let seen =
        (0..sample.width()).map(|c| (sample.names()[c].clone(), profiles[c].example.clone())).collect();
    Ok(Proposal { input, columns, cleaning, notes, unsure, odd_products, seen })
}

/// The date formats that are tried, the likelier first.
fn date_formats() -> Vec<(String, DateFormat)> {
    let days = [
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d/%m/%y",
        "%m/%d/%y",
        "%d.%m.%y",
        "%d %b %Y",
        "%d-%b-%Y",
        "%d-%b-%y",
        "%b %d, %Y",
        "%d %B %Y",
    ];
    let times = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
    let patterns = days.iter().flat_map(|d| times.iter().map(move |t| format!("{d}{t}")));
    std::iter::once("iso".to_owned())
        .chain(patterns)
        .filter_map(|p| DateFormat::new(&p).ok().map(|f| (p, f)))
        .collect()
}

/// How often each value occurs.
fn counts<'a>(values: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts
}
