//! What a user states about an export: how to read it, what its columns mean, what to clean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tillwise_core::Day;

/// How the files are to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Files or globs, relative to the config file. All must have the mapped columns.
    pub files: Vec<String>,
    /// The file format; by default the file's content and ending decide (after `.gz`, `.zst` or `.zip`).
    pub format: Format,
    /// One or two characters, `"tab"`, or `"blanks"` for runs of blanks.
    pub delimiter: String,
    /// The quote character of CSV; empty where quotes are text like any other.
    pub quote: String,
    /// The character that takes the next one's meaning away, such as a backslash; empty for none.
    pub escape: String,
    /// `"utf-8"` or a WHATWG name such as `"windows-1252"`; a byte-order mark wins. `"utf-8 or windows-1252"` where some lines
    /// are UTF-8 and others are not.
    pub encoding: String,
    /// Whether the first line of each CSV file names the columns. Without one, columns are numbers from 1.
    pub header: bool,
    /// Lines above the header (or above the first row), such as titles.
    pub skip_lines: usize,
    /// `"iso"` (dates such as `2011-12-09`, `2011-12-09 12:50:00`, `20111209`), a strftime pattern such as `"%m/%d/%Y %H:%M"`,
    /// `"jalali %Y/%m/%d"`, `"buddhist %d/%m/%Y"`, `"epoch"`, `"epoch_ms"`, `"epoch_us"`, `"excel"`, `"cyymmdd"`, `"cyyddd"` or
    /// `"dotnet"`; or a list, tried in turn.
    pub date_format: OneOrMore<String>,
    /// The zone whose days count, such as `"Europe/Berlin"`, for dates that say how far they are from UTC; without it
    /// the day is the one that is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The decimal mark; or `"either"` where both are in use, and each number can mean one thing only.
    pub decimal: String,
    /// The thousands separator; empty for none. A blank stands for any kind of blank.
    pub thousands: String,
    /// Whether money is written in hundredths, as whole cents.
    pub hundredths: bool,
    /// The sheets of a workbook; by default all with the same header as the first that has rows.
    #[serde(skip_serializing_if = "OneOrMore::is_empty")]
    pub sheet: OneOrMore<String>,
    /// Columns whose blank cells repeat the cell above, within one order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fill_down: Vec<ColumnRef>,
    /// The text column that delimiters without quotes stand in, where rows have too many fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<ColumnRef>,
    /// Files that have more columns of the same rows, found by a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<Join>,
    /// What is different in single files, by name or glob.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub file: BTreeMap<String, Different>,
}

impl Default for Input {
    fn default() -> Self {
        Input {
            files: Vec::new(),
            format: Format::Auto,
            delimiter: ",".into(),
            quote: "\"".into(),
            escape: String::new(),
            encoding: "utf-8".into(),
            header: true,
            skip_lines: 0,
            date_format: OneOrMore::One("iso".into()),
            zone: None,
            decimal: ".".into(),
            thousands: String::new(),
            hundredths: false,
            sheet: OneOrMore::More(Vec::new()),
            fill_down: Vec::new(),
            overflow: None,
            join: Vec::new(),
            file: BTreeMap::new(),
        }
    }
}

/// What is different in a file from what `[input]` says of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Different {
    /// See [`Input::delimiter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// See [`Input::quote`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// See [`Input::escape`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<String>,
    /// See [`Input::encoding`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// See [`Input::skip_lines`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_lines: Option<usize>,
    /// See [`Input::date_format`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_format: Option<OneOrMore<String>>,
    /// See [`Input::decimal`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<String>,
    /// See [`Input::thousands`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<String>,
    /// See [`Input::hundredths`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hundredths: Option<bool>,
    /// Whether its rows stand in no other file, as those of mended rejects: none of them stands for a row elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adds: Option<bool>,
}

impl Different {
    /// What sets `of` apart from `all`; `None` if nothing does.
    pub fn between(all: &Input, of: &Input) -> Option<Different> {
        fn other<T: PartialEq + Clone>(all: &T, of: &T) -> Option<T> {
            (all != of).then(|| of.clone())
        }
        let different = Different {
            delimiter: other(&all.delimiter, &of.delimiter),
            quote: other(&all.quote, &of.quote),
            escape: other(&all.escape, &of.escape),
            encoding: other(&all.encoding, &of.encoding),
            skip_lines: other(&all.skip_lines, &of.skip_lines),
            date_format: other(&all.date_format, &of.date_format),
            decimal: other(&all.decimal, &of.decimal),
            thousands: other(&all.thousands, &of.thousands),
            hundredths: other(&all.hundredths, &of.hundredths),
            adds: None,
        };
        (different != Different::default()).then_some(different)
    }

    fn apply(&self, input: &mut Input) {
        fn set<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                to.clone_from(value);
            }
        }
        set(&mut input.delimiter, &self.delimiter);
        set(&mut input.quote, &self.quote);
        set(&mut input.escape, &self.escape);
        set(&mut input.encoding, &self.encoding);
        set(&mut input.skip_lines, &self.skip_lines);
        set(&mut input.date_format, &self.date_format);
        set(&mut input.decimal, &self.decimal);
        set(&mut input.thousands, &self.thousands);
        set(&mut input.hundredths, &self.hundredths);
    }
}

impl Input {
    /// How one file is read: as all, but for what `[input.file]` says of it.
    pub fn of_file(&self, name: &str) -> Input {
        let mut input = self.clone();
        self.of(name).for_each(|different| different.apply(&mut input));
        input
    }

    /// Whether a file's rows stand in no other file.
    pub fn adds(&self, name: &str) -> bool {
        self.of(name).filter_map(|different| different.adds).next_back().unwrap_or(false)
    }

    /// What `[input.file]` says of a file.
    fn of<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Different> {
        let is_it = move |pattern: &str| {
            pattern == name || glob::Pattern::new(pattern).is_ok_and(|p| p.matches(name))
        };
        self.file.iter().filter(move |(pattern, _)| is_it(pattern)).map(|(_, different)| different)
    }
}

/// A file with more columns of the same rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Join {
    /// The file, relative to the config file.
    pub file: String,
    /// The column that both have, or those of earlier joins.
    pub key: String,
}

/// A value, or a list of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore<T> {
    /// One.
    One(T),
    /// Several, or none.
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    /// All of them.
    pub fn all(&self) -> &[T] {
        match self {
            OneOrMore::One(value) => std::slice::from_ref(value),
            OneOrMore::More(values) => values,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// The plainest way to say these values.
    pub fn of(mut values: Vec<T>) -> OneOrMore<T> {
        match values.pop() {
            Some(only) if values.is_empty() => OneOrMore::One(only),
            Some(last) => {
                values.push(last);
                OneOrMore::More(values)
            }
            None => OneOrMore::More(values),
        }
    }
}

/// A file format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the file's ending.
    #[default]
    Auto,
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// An Excel workbook (xlsx, xlsm, xls, xlsb) or an OpenDocument one (ods).
    Xlsx,
    /// One JSON object a line.
    Jsonl,
    /// A JSON array of objects.
    Json,
    /// A table in HTML, which some tools save as `.xls`.
    Html,
}

/// A column, by its header or by its number from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnRef {
    /// By header.
    Name(String),
    /// By place, from 1.
    Number(usize),
}

impl ColumnRef {
    /// Whether it stands for the file that a row is in.
    pub fn is_file(&self) -> bool {
        matches!(self, ColumnRef::Name(name) if name == "file")
    }
}

impl std::fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ColumnRef::Name(name) => f.write_str(name),
            ColumnRef::Number(n) => write!(f, "{n}"),
        }
    }
}

/// Which input column plays which part. `customer` and `date` are needed, and either `amount` or
/// `price` (with `quantity`, else 1 unit a line).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<ColumnRef>,
    /// The order, invoice or receipt; without it every row is an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<ColumnRef>,
    /// The day or moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<ColumnRef>,
    /// Columns that an order's number is unique only together with: the date, where numbers begin anew each day, or the store;
    /// `"file"` where they begin anew in each file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_within: Vec<ColumnRef>,
    /// The product, by a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<ColumnRef>,
    /// The product's name, to show beside its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_name: Option<ColumnRef>,
    /// Units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<ColumnRef>,
    /// Money per unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ColumnRef>,
    /// Money of the line; wins over quantity times price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<ColumnRef>,
    /// A discount on the line, in money, that is not yet taken off; it is subtracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount: Option<ColumnRef>,
    /// Tax within the money of the line; it is subtracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax: Option<ColumnRef>,
    /// Shipping within the money of the line; it is subtracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping: Option<ColumnRef>,
    /// Money given back on the same row; it is subtracted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded: Option<ColumnRef>,
    /// Money that goes the other way, in a column of its own: a row with it, and without an amount, is a return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit: Option<ColumnRef>,
    /// The product's category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<ColumnRef>,
    /// The country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<ColumnRef>,
    /// The sales channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<ColumnRef>,
    /// The store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<ColumnRef>,
    /// The currency; more than one is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<ColumnRef>,
    /// Cost per unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_cost: Option<ColumnRef>,
    /// A column that marks cancelled orders, see [`Cleaning::cancelled_values`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<ColumnRef>,
    /// A column that says what a row is, see [`Cleaning::not_sales`] and [`Cleaning::returned`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ColumnRef>,
}

/// What to do with rows that are not plain sales.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cleaning {
    /// Rows without a customer.
    pub missing_customer: MissingCustomer,
    /// Lines that take money back.
    pub returns: Returns,
    /// Order numbers that begin so are cancelled; empty for none.
    pub cancelled_prefix: String,
    /// Customer ids that stand for nobody, such as `"guest*"`: their rows count as rows without a customer.
    pub no_customer: Vec<String>,
    /// Customer or order ids of rows that sum up others, such as `"* Total"`; such rows are rejected.
    pub totals: Vec<String>,
    /// Whether customer ids that differ only in capital letters are one customer; e-mail addresses always are.
    pub fold_case: bool,
    /// Whether customer ids are numbers: leading zeros and thousands marks do not tell two customers apart.
    pub numeric_customers: bool,
    /// The only currency that counts; rows in another are rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Values of the `status` column whose rows are no sales, compared without case; `*` stands for anything.
    pub not_sales: Vec<String>,
    /// Values of the `status` column whose rows take money back, whatever the sign of their amount.
    pub returned: Vec<String>,
    /// Values of the `cancelled` column that mean cancelled, compared without case; `*` for any value at all.
    pub cancelled_values: Vec<String>,
    /// Lines of cancelled orders that take money back: as returns, or rejected. Cancelled lines with a
    /// positive amount are always rejected.
    pub cancelled: Cancelled,
    /// Lines with a quantity, price or amount of zero.
    pub zero_amount: ZeroAmount,
    /// Lines with a negative price and a positive quantity.
    pub negative_price: NegativePrice,
    /// Rows that repeat an earlier accepted row of the same file in every field.
    pub repeats_within_file: Repeats,
    /// Rows that another file already has: where exports overlap.
    pub repeats_across_files: Repeats,
    /// Codes that are not products (`POST`, `TEST*`); rows with them are rejected. `*` stands for anything.
    pub not_products: Vec<String>,
    /// Rows before this day are rejected.
    pub earliest: Day,
    /// Rows after this day are rejected.
    pub latest: Day,
    /// What to do with a few rows that stand alone, years from all others: dates that are typed wrongly.
    pub stray_dates: StrayDates,
}

impl Default for Cleaning {
    fn default() -> Self {
        Cleaning {
            missing_customer: MissingCustomer::Reject,
            no_customer: Vec::new(),
            totals: Vec::new(),
            fold_case: false,
            numeric_customers: false,
            currency: None,
            not_sales: Vec::new(),
            returned: Vec::new(),
            returns: Returns::Net,
            cancelled_prefix: String::new(),
            cancelled_values: vec![
                "1".into(),
                "true".into(),
                "yes".into(),
                "y".into(),
                "cancelled".into(),
                "canceled".into(),
            ],
            cancelled: Cancelled::Return,
            zero_amount: ZeroAmount::Reject,
            negative_price: NegativePrice::Reject,
            repeats_within_file: Repeats::Keep,
            repeats_across_files: Repeats::Drop,
            not_products: Vec::new(),
            earliest: Day(-25_567), // 1900-01-01
            latest: Day(47_481),    // 2099-12-31
            stray_dates: StrayDates::Reject,
        }
    }
}

/// See [`Cleaning::stray_dates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrayDates {
    /// At most one row in a thousand, in months five years or more from all others, is rejected.
    Reject,
    /// Accepted.
    Keep,
}

/// See [`Cleaning::missing_customer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingCustomer {
    /// The row is rejected.
    Reject,
    /// The run stops.
    Fail,
}

/// See [`Cleaning::returns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Returns {
    /// Subtracted from the customer's net revenue.
    Net,
    /// Kept in `returns_value`, not subtracted.
    Separate,
    /// Rejected.
    Exclude,
}

/// See [`Cleaning::cancelled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cancelled {
    /// Treated as returns.
    Return,
    /// Rejected.
    Exclude,
}

/// See [`Cleaning::zero_amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroAmount {
    /// Rejected.
    Reject,
    /// Accepted as sales.
    Keep,
}

/// See [`Cleaning::negative_price`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NegativePrice {
    /// Rejected.
    Reject,
    /// Treated as returns.
    Return,
}

/// See [`Cleaning::repeats_within_file`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeats {
    /// Accepted.
    Keep,
    /// Rejected, all but one.
    Drop,
}
