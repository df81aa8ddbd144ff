//! Looking at a file that nobody has described yet.
//!
//! [`inspect`] reads an export and proposes a config for it:
//!
//! 1. `look`: the encoding, the delimiter and quotes, the lines above the header, the header.
//! 2. `survey`: every cell of every column, as far as it matters: how numbers and dates are written, how many values there are.
//! 3. `formats`: the marks of numbers and the formats of dates, decided by the whole file.
//! 4. `roles`: what each column means, by arithmetic between columns first (quantity times price is an amount), by what is
//!    constant within orders and products, then by whole words of the names.
//! 5. `account`: all rows once more with the proposed config: how many are accepted, why others are not, who is nobody.
//!
//! What it is unsure of it says; what it cannot decide it leaves open for a person to fill in.

mod account;
mod formats;
mod look;
mod plain;
mod roles;
mod survey;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use account::{Account, Rejected};
pub use plain::{PlainTable, read_table};

use crate::config::{Different, Join};
use crate::rows::Reason;
use crate::{
    Cleaning, ColumnRef, Columns, IngestError, Input, InputFile, NegativePrice, OneOrMore, Plan, ZeroAmount,
};
use roles::{Decision, Roles};
use survey::{Survey, survey};

/// Columns by their places and names.
type Named = Vec<(usize, String)>;

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
    /// What a person must fill in: the table and key, and what is known.
    pub open: Vec<Open>,
    /// Codes that do not look like products.
    pub odd_products: Vec<String>,
    /// Every column with values from it, for comments.
    pub seen: Vec<(String, Vec<String>)>,
    /// What the rows come to with all this, where nothing is open.
    pub account: Option<Account>,
    /// The share of rejected rows that the run may have, where it is more than usual.
    pub max_reject_share: Option<f64>,
    /// The files that are read as rows; others are joined onto them.
    pub files: Vec<usize>,
}

/// What a person has said of an export. It is taken as it is.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Columns, by the keys of `[columns]`: names, or numbers from 1.
    pub columns: BTreeMap<String, String>,
    /// The currency that counts.
    pub currency: Option<String>,
}

/// Something that only a person knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The table of the config.
    pub table: &'static str,
    /// Its key.
    pub key: &'static str,
    /// What is known, and what to write.
    pub what: String,
}

/// One file, looked at.
struct Looked {
    input: Input,
    survey: Survey,
    notes: Vec<String>,
    unsure: Vec<String>,
}

fn look_at(file: &InputFile) -> Result<Looked, IngestError> {
    let look = look::look(&file.path)?;
    let mut looked = Looked {
        survey: survey(file, &look.input, Path::new(""))?,
        input: look.input,
        notes: look.notes,
        unsure: look.unsure,
    };
    // Letters that are not ASCII may come after the beginning.
    if !looked.survey.invalid.is_empty() && looked.input.encoding == "utf-8" {
        let mut encoding = look::encoding(&looked.survey.invalid).to_ascii_lowercase();
        if encoding != "utf-8" {
            // Letters that read as UTF-8 stay what they are.
            if looked.survey.sample.iter().flatten().any(|cell| !cell.is_ascii()) {
                encoding = look::utf8_or(&encoding);
            }
            looked.input.encoding = encoding;
            looked.notes.push(format!("the text is not UTF-8; it reads as {}", looked.input.encoding));
            looked.survey = survey(file, &looked.input, Path::new(""))?;
        }
    }
    Ok(looked)
}

/// Looks at files that belong to one export, of which something may be known.
///
/// # Errors
/// If a file cannot be read or is empty, or an answer names a column that there is none of.
pub fn inspect(files: &[InputFile], answers: &Answers) -> Result<Proposal, IngestError> {
    if files.is_empty() {
        return Err(IngestError::config("FILE", "no file is named", "name at least one"));
    }
    let mut looked: Vec<Looked> = files.iter().map(look_at).collect::<Result<_, _>>()?;
    // Files with the same columns are one table.
    let mut tables: Vec<Vec<usize>> = Vec::new();
    for (i, l) in looked.iter().enumerate() {
        let same = |t: &&mut Vec<usize>| {
            let other = &looked[t[0]].survey;
            other.names == l.survey.names
                || (!l.survey.has_header
                    && !other.has_header
                    && other.columns.len() == l.survey.columns.len())
        };
        match tables.iter_mut().find(same) {
            Some(table) => table.push(i),
            None => tables.push(vec![i]),
        }
    }
    let mut notes = Vec::new();
    let (main, joins) =
        if tables.len() > 1 { join_tables(files, &looked, &tables, &mut notes)? } else { (0, Vec::new()) };
    let own = tables[main].clone();
    let base_folder = PathBuf::new();
    if !joins.is_empty() {
        for i in &own {
            let joined = Input { join: joins.clone(), ..looked[*i].input.clone() };
            looked[*i].survey = survey(&files[*i], &joined, &base_folder)?;
            looked[*i].input = joined;
        }
    }

    // Each file has formats of its own; what the columns mean is decided on all of them.
    let mut input = looked[own[0]].input.clone();
    let (mut decision, marks) = roles::decide(&looked[own[0]].survey);
    decision.answer(&looked[own[0]].survey, answers)?;
    let mut unsure: Vec<String> = Vec::new();
    for i in &own {
        notes.append(&mut looked[*i].notes.clone());
        let name = |n: &String| if files.len() > 1 { format!("{}: {n}", files[*i].name) } else { n.clone() };
        notes.extend(looked[*i].survey.notes.iter().map(name));
        unsure.extend(looked[*i].unsure.iter().map(name));
    }
    let state = |input: &mut Input, decision: &Decision, marks: &formats::Numbers| {
        input.decimal.clone_from(&marks.decimal);
        input.thousands.clone_from(&marks.thousands);
        input.hundredths = decision.hundredths;
        if let Some(dates) = &decision.dates {
            input.date_format = OneOrMore::of(dates.patterns.clone());
        }
    };
    state(&mut input, &decision, &marks);
    notes.extend(marks.note.clone());
    let first = &looked[own[0]].survey;
    if let Some((column, why)) = &marks.unsure {
        // Only what is used matters.
        let used =
            [decision.roles.amount, decision.roles.price, decision.roles.quantity, decision.roles.discount];
        if used.contains(&Some(*column)) {
            unsure.push(format!("numbers in `{}`: {why}", first.names[*column]));
        }
    }
    let base = input.clone();
    for i in own.iter().skip(1) {
        let (other, other_marks) = roles::decide(&looked[*i].survey);
        let mut of_file = Input { date_format: base.date_format.clone(), ..looked[*i].input.clone() };
        of_file.join.clone_from(&base.join);
        let dates = decision.roles.date.and_then(|c| formats::dates(&looked[*i].survey, c));
        let with_dates = Decision { dates, hundredths: decision.hundredths, ..Decision::default() };
        // Marks that the file does not show are those of the first.
        let shows = other_marks.decimal != "." || !other_marks.thousands.is_empty();
        state(&mut of_file, &with_dates, if shows { &other_marks } else { &marks });
        if let Some(different) = Different::between(&base, &of_file) {
            notes.push(format!(
                "{} is written in another way than {}: see [input.file]",
                files[*i].name, files[own[0]].name
            ));
            input.file.insert(files[*i].name.clone(), different);
        }
        for (mine, theirs) in
            [(&mut decision.not_sales, other.not_sales), (&mut decision.returned, other.returned)]
        {
            for value in theirs {
                if !mine.contains(&value) {
                    mine.push(value);
                }
            }
        }
        if decision.roles.status.is_none() {
            decision.roles.status = other.roles.status;
        }
    }

    if begin_anew(&looked, &own, &decision.roles) {
        decision.roles.order_within_file = true;
        decision.notes.push(format!(
            "`{}` begins anew in each file: an order is its number and its file",
            decision.roles.order.map(|o| first.names[o].as_str()).unwrap_or_default()
        ));
    }
    let reference = |c: usize| reference(first, c);
    let columns = columns_of(&decision.roles, &reference);
    input.fill_down = decision.roles.fill_down.iter().map(|c| reference(*c)).collect();
    notes.append(&mut decision.notes.clone());
    unsure.append(&mut decision.unsure.clone());
    if !input.fill_down.is_empty() {
        let names: Vec<String> = input.fill_down.iter().map(ToString::to_string).collect();
        notes.push(format!(
            "{} stand on the first row of an order only, and are carried down to its other rows",
            names.join(", ")
        ));
    }
    let mut cleaning = Cleaning {
        currency: answers.currency.clone(),
        not_sales: decision.not_sales.clone(),
        returned: decision.returned.clone(),
        ..Cleaning::default()
    };
    if decision.negative_price_is_return {
        cleaning.negative_price = NegativePrice::Return;
    }
    if !decision.cancelled_values.is_empty() {
        cleaning.cancelled_values.clone_from(&decision.cancelled_values);
    }
    if let Some(prefix) = decision
        .roles
        .order
        .and_then(|o| cancelled_prefix(first, o, decision.roles.quantity.or(decision.roles.amount)))
    {
        notes.push(format!("order numbers that begin with `{prefix}` are taken for cancelled orders"));
        cleaning.cancelled_prefix = prefix;
    }
    let mut proposal = Proposal {
        open: open(first, &decision, &columns),
        input,
        columns,
        cleaning,
        notes,
        unsure,
        odd_products: Vec::new(),
        seen: (0..first.columns.len())
            .map(|c| (first.names[c].clone(), first.columns[c].examples.clone()))
            .collect(),
        account: None,
        max_reject_share: None,
        files: own.clone(),
    };
    if proposal.columns.order.is_none() && proposal.open.is_empty() && first.has_header {
        proposal
            .notes
            .push("no column is the number of an order: every row is taken for an order".to_owned());
    }
    currencies(&mut proposal, first, &decision.roles);
    if proposal.open.is_empty() {
        let own_files: Vec<InputFile> = own.iter().map(|i| files[*i].clone()).collect();
        proposal.look_through(&own_files, &base_folder)?;
    }
    Ok(proposal)
}

impl Proposal {
    /// What to ingest, as it is proposed: of these files, relative to this folder.
    pub fn plan(&self, files: &[InputFile], base: &Path) -> Plan {
        Plan {
            input: self.input.clone(),
            columns: self.columns.clone(),
            cleaning: self.cleaning.clone(),
            files: files.to_vec(),
            base: base.to_owned(),
            memory_limit: None,
        }
    }

    /// Reads all rows as proposed, and proposes what they ask for.
    fn look_through(&mut self, files: &[InputFile], base: &Path) -> Result<(), IngestError> {
        let mut found = account::account(&self.plan(files, base))?;
        let ids = account::ids(&found.crowd);
        if let Some(why) = ids.hopeless {
            let column = self.columns.customer.take().map(|c| c.to_string()).unwrap_or_default();
            self.open.push(Open {
                table: "columns",
                key: "customer",
                what: format!("`{column}` cannot name customers: {why}"),
            });
            return Ok(());
        }
        let of = |why: Reason| found.account.rejected.iter().find(|r| r.why == why);
        let zeros = of(Reason::ZeroAmount).map_or(0, |r| r.rows);
        let give_aways = zeros * 100 > found.account.rows;
        if give_aways {
            // So many are no mistakes: what is given away is part of the order.
            self.cleaning.zero_amount = ZeroAmount::Keep;
            self.notes.push(format!(
                "{zeros} rows cost nothing: they count as lines of their orders; zero_amount = \"reject\" leaves them out"
            ));
        }
        let changes = give_aways
            || !ids.no_customer.is_empty()
            || !ids.totals.is_empty()
            || ids.fold_case
            || ids.numeric;
        self.cleaning.no_customer = ids.no_customer;
        self.cleaning.totals = ids.totals;
        self.cleaning.fold_case = ids.fold_case;
        self.cleaning.numeric_customers = ids.numeric;
        self.notes.extend(ids.notes);
        self.unsure.extend(ids.unsure);
        if changes {
            found = account::account(&self.plan(files, base))?;
        }
        let mut overlap = found.overlap.into_iter();
        // So many are no orders of two equal things.
        if found.repeats * 50 > found.account.rows {
            self.unsure.extend(overlap.next().map(|said| {
                format!("{said}, and count each time; repeats_within_file = \"drop\" counts them once")
            }));
        }
        self.notes.extend(overlap);
        self.odd_products = found.odd_products;
        if let (Some(first), Some(second)) = found.currency {
            self.ask_currency(&[first, second]);
        }
        let a = &found.account;
        if a.accepted > 0 && found.crowd.len() < 2 && a.accepted > 5 {
            let column = self.columns.customer.as_ref().map(ToString::to_string).unwrap_or_default();
            self.open.push(Open {
                table: "columns",
                key: "customer",
                what: format!("`{column}` has one value in all rows, so it names nobody"),
            });
        }
        let rejected = (a.rows - a.accepted) as f64 / a.rows.max(1) as f64;
        if rejected > 0.45 && a.accepted > 0 {
            let share = ((rejected + 0.1) * 20.0).ceil() / 20.0;
            self.max_reject_share = Some(share.min(0.99));
            let said = format!(
                "{:.0} % of the rows are left out, so [gates] max_reject_share is {:.2} here",
                100.0 * rejected,
                share.min(0.99)
            );
            // Rows that a state leaves out are meant; those with something missing may be read in a wrong way.
            let meant: u64 = a
                .rejected
                .iter()
                .filter(|r| matches!(r.why, Reason::NotASale | Reason::Cancelled))
                .map(|r| r.rows)
                .sum();
            if meant * 2 > a.rows - a.accepted {
                self.notes.push(said);
            } else {
                self.unsure.push(said);
            }
        }
        if found.returns_only * 50 > found.crowd.len() {
            self.unsure.push(format!(
                "{} of {} customers have returns only, for their orders are not in this export: they get no row",
                found.returns_only,
                found.crowd.len()
            ));
        }
        if let Some(far) = a.rejected.iter().find(|r| r.why == Reason::DateOutOfRange) {
            self.unsure.push(format!(
                "{} rows are dated outside of {} to {} and rejected as {}, first at {}",
                far.rows,
                self.cleaning.earliest,
                self.cleaning.latest,
                far.reason(),
                far.first
            ));
        }
        let unreadable: u64 = a.files.iter().map(|f| f.unreadable).sum();
        if unreadable * 50 > a.rows.max(1) {
            let worst = a.rejected.iter().find(|r| {
                !matches!(
                    r.why,
                    Reason::MissingCustomer | Reason::NotASale | Reason::ZeroAmount | Reason::Cancelled
                )
            });
            self.unsure.push(format!(
                "{unreadable} of {} rows hold something that cannot be read{}",
                a.rows,
                worst.map(|w| format!(", first at {}", w.first)).unwrap_or_default()
            ));
        }
        self.account = Some(found.account);
        Ok(())
    }

    fn ask_currency(&mut self, names: &[String]) {
        if self.cleaning.currency.is_some() || self.open.iter().any(|o| o.key == "currency") {
            return;
        }
        self.open.push(Open {
            table: "cleaning",
            key: "currency",
            what: format!("money is in several currencies ({}), which are never added up; name the one that counts, or split the export", names.join(", ")),
        });
    }
}

/// What only a person can say.
fn open(survey: &Survey, decision: &Decision, columns: &Columns) -> Vec<Open> {
    let mut all: Vec<Open> =
        decision.open.iter().map(|(key, what)| Open { table: "columns", key, what: what.clone() }).collect();
    let names: Vec<String> = survey.names.iter().take(40).map(|n| format!("`{n}`")).collect();
    let list = names.join(", ");
    let asked = |all: &[Open], key: &str| all.iter().any(|o| o.key == key);
    let near = |part: &words::Part| {
        let close: Vec<&String> = survey
            .names
            .iter()
            .filter(|n| {
                part.words
                    .iter()
                    .flat_map(|(_, list)| *list)
                    .any(|w| n.to_lowercase().contains(w.trim_start_matches('~')))
            })
            .take(3)
            .collect();
        if close.is_empty() {
            String::new()
        } else {
            format!(
                "; nearest are {}, which do not hold what they should",
                close.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
            )
        }
    };
    if columns.customer.is_none() && !asked(&all, "customer") {
        all.push(Open { table: "columns", key: "customer", what: format!("no column names customers{}; the columns are {list}. Without one there is nobody to score: export it with the customer's number or e-mail", near(&words::CUSTOMER)) });
    }
    if columns.date.is_none() && !asked(&all, "date") {
        all.push(Open { table: "columns", key: "date", what: format!("no column reads as the day of an order{}; the columns are {list}. If one is, name it, and state [input] date_format", near(&words::DATE)) });
    }
    if columns.amount.is_none()
        && columns.price.is_none()
        && columns.credit.is_none()
        && !asked(&all, "amount")
    {
        all.push(Open { table: "columns", key: "amount", what: format!("no column is the money of a row{}; the columns are {list}. Name the line's money as `amount`, or `quantity` and `price`", near(&words::AMOUNT)) });
    }
    all
}

/// Several currencies are never added up.
fn currencies(proposal: &mut Proposal, survey: &Survey, roles: &Roles) {
    if let Some(values) = roles.currency.and_then(|c| survey.columns[c].values.as_ref()) {
        let mut names: Vec<String> =
            values.keys().map(|v| v.trim().to_uppercase()).filter(|v| !v.is_empty()).collect();
        names.sort();
        names.dedup();
        if names.len() > 1 {
            proposal.ask_currency(&names);
        }
    }
    for c in [roles.amount, roles.price].into_iter().flatten() {
        let seen: HashSet<&str> = survey.columns[c].marks.currencies.keys().copied().collect();
        if seen.len() > 1 {
            let mut names: Vec<String> = seen.into_iter().map(str::to_owned).collect();
            names.sort();
            proposal.ask_currency(&names);
        }
    }
}

/// A column by its name, or by its number where the name is not its own.
fn reference(survey: &Survey, c: usize) -> ColumnRef {
    let name = &survey.names[c];
    let own = survey.has_header
        && !name.trim().is_empty()
        && survey.names.iter().filter(|n| *n == name).count() == 1;
    if own { ColumnRef::Name(name.clone()) } else { ColumnRef::Number(c + 1) }
}

/// Whether the same number of an order stands for other customers in another file.
fn begin_anew(looked: &[Looked], own: &[usize], roles: &Roles) -> bool {
    const FEWEST: usize = 5;
    let (Some(order), Some(customer)) = (roles.order, roles.customer) else { return false };
    if own.len() < 2 || !roles.order_within.is_empty() {
        return false;
    }
    let mut known: HashMap<&str, (usize, &str)> = HashMap::new();
    let (mut shared, mut others) = (HashSet::new(), HashSet::new());
    for i in own {
        let survey = &looked[*i].survey;
        for row in 0..survey.sample.len() {
            let (number, who) = (survey.cell(row, order), survey.cell(row, customer));
            if number.is_empty() || who.is_empty() {
                continue;
            }
            let (file, first) = *known.entry(number).or_insert((*i, who));
            if file != *i {
                shared.insert(number);
                if first != who {
                    others.insert(number);
                }
            }
        }
    }
    shared.len() >= FEWEST && others.len() * 2 > shared.len()
}

fn columns_of(roles: &Roles, reference: &dyn Fn(usize) -> ColumnRef) -> Columns {
    let part = |c: Option<usize>| c.map(reference);
    Columns {
        customer: part(roles.customer),
        order: part(roles.order),
        order_within: roles
            .order_within
            .iter()
            .map(|c| reference(*c))
            .chain(roles.order_within_file.then(|| ColumnRef::Name("file".into())))
            .collect(),
        date: part(roles.date),
        product: part(roles.product),
        product_name: part(roles.product_name),
        quantity: part(roles.quantity),
        price: part(roles.price.filter(|_| roles.amount.is_none())),
        amount: part(roles.amount),
        discount: part(roles.discount),
        tax: None,
        shipping: None,
        refunded: part(roles.refunded),
        credit: part(roles.credit),
        category: part(roles.category),
        country: part(roles.country),
        channel: part(roles.channel),
        store: part(roles.store),
        currency: part(roles.currency),
        unit_cost: part(roles.unit_cost),
        cancelled: part(roles.cancelled),
        status: part(roles.status),
    }
}

/// Which table holds the rows, and which are joined onto it, by keys that stand in both.
fn join_tables(
    files: &[InputFile],
    looked: &[Looked],
    tables: &[Vec<usize>],
    notes: &mut Vec<String>,
) -> Result<(usize, Vec<Join>), IngestError> {
    let survey_of = |t: usize| &looked[tables[t][0]].survey;
    // A key: a column that both have, and that tells the rows of the joined table apart.
    let key = |left: &[String], t: usize| {
        let right = survey_of(t);
        (0..right.names.len()).find(|c| {
            let unique = right.columns[*c].distinct() as u64 == right.columns[*c].filled
                && right.columns[*c].filled == right.rows
                && right.rows > 0;
            unique
                && !right.names[*c].trim().is_empty()
                && left.contains(&right.names[*c])
                && tables[t].len() == 1
        })
    };
    let closure = |main: usize| {
        let mut names = survey_of(main).names.clone();
        let mut joined: Vec<(usize, String)> = Vec::new();
        loop {
            let next = (0..tables.len())
                .filter(|t| *t != main && !joined.iter().any(|j| j.0 == *t))
                .find_map(|t| Some((t, survey_of(t).names[key(&names, t)?].clone())));
            let Some((t, name)) = next else { break };
            names.extend(survey_of(t).names.iter().cloned());
            joined.push((t, name));
        }
        joined
    };
    let mut best: Option<(i32, usize, Named)> = None;
    for main in 0..tables.len() {
        let joined = closure(main);
        let names =
            survey_of(main).names.iter().chain(joined.iter().flat_map(|(t, _)| survey_of(*t).names.iter()));
        let all: Vec<&String> = names.collect();
        let any = |part: &words::Part, among: &[&String]| {
            i32::from(among.iter().any(|n| words::fit(n, part).is_some()))
        };
        let own: Vec<&String> = survey_of(main).names.iter().collect();
        let money = any(&words::AMOUNT, &own) + any(&words::PRICE, &own);
        let score = 10 * joined.len() as i32
            + 5 * any(&words::PRODUCT, &own)
            + 4 * money.min(1)
            + 3 * any(&words::CUSTOMER, &all)
            + 3 * any(&words::DATE, &all);
        if best.as_ref().is_none_or(|(s, ..)| score > *s) {
            best = Some((score, main, joined));
        }
    }
    let Some((_, main, joined)) = best else { return Ok((0, Vec::new())) };
    let left: Vec<&str> = (0..tables.len())
        .filter(|t| *t != main && !joined.iter().any(|j| j.0 == *t))
        .map(|t| files[tables[t][0]].name.as_str())
        .collect();
    if joined.is_empty() {
        return Err(IngestError::config(
            "init",
            format!(
                "the files have different columns, and no column of one tells the rows of another apart ({})",
                files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ")
            ),
            "name files with the same columns, or with a key in common",
        ));
    }
    let joins: Vec<Join> = joined
        .iter()
        .map(|(t, key)| Join { file: files[tables[*t][0]].path.display().to_string(), key: key.clone() })
        .collect();
    let said: Vec<String> =
        joined.iter().map(|(t, key)| format!("{} by `{key}`", files[tables[*t][0]].name)).collect();
    notes.push(format!(
        "{} holds the rows; joined onto it are {}",
        files[tables[main][0]].name,
        said.join(" and ")
    ));
    if !left.is_empty() {
        notes.push(format!("not read, for no key of theirs is unique: {}", left.join(", ")));
    }
    Ok((main, joins))
}

/// A letter that some order numbers begin with, whose lines are negative.
fn cancelled_prefix(survey: &Survey, order: usize, sign: Option<usize>) -> Option<String> {
    let sign = sign?;
    let (mut plain, mut marked, mut negative) = (0usize, 0usize, 0usize);
    let mut prefix: Option<char> = None;
    for row in 0..survey.sample.len() {
        let (id, value) = (survey.cell(row, order).trim(), survey.cell(row, sign).trim());
        match id.chars().next() {
            Some(c)
                if c.is_ascii_alphabetic()
                    && id[1..].bytes().all(|b| b.is_ascii_digit())
                    && prefix.is_none_or(|p| p == c)
                    && id.len() > 1 =>
            {
                prefix = Some(c);
                marked += 1;
                negative += usize::from(value.starts_with(['-', '(']));
            }
            Some(c) if c.is_ascii_digit() => plain += 1,
            _ => {}
        }
    }
    (plain > marked && marked > 0 && negative * 10 >= marked * 9).then(|| prefix.map(String::from)).flatten()
}
