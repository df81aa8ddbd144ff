//! What a user states about an export: how to read it, what its columns mean, what to clean.

use serde::{Deserialize, Serialize};
use tillwise_core::Day;

/// How the files are to be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Files or globs, relative to the config file. All must have the same columns.
    pub files: Vec<String>,
    /// The file format; by default the file's ending decides (after `.gz` or `.zst`).
    pub format: Format,
    /// One character, `"tab"`, or `"blanks"` for runs of blanks.
    pub delimiter: String,
    /// The quote character of CSV.
    pub quote: char,
    /// `"utf-8"` or a WHATWG name such as `"windows-1252"`; a byte-order mark wins.
    pub encoding: String,
    /// Whether the first line of each CSV file names the columns. Without one, columns are numbers from 1.
    pub header: bool,
    /// `"iso"` (dates such as `2011-12-09`, `2011-12-09 12:50:00`, `20111209`), or a strftime pattern such as `"%m/%d/%Y %H:%M"`.
    pub date_format: String,
    /// The decimal mark.
    pub decimal: char,
    /// The thousands separator; empty for none. A blank stands for any kind of blank.
    pub thousands: String,
    /// The Excel sheet; by default the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
}

impl Default for Input {
    fn default() -> Self {
        Input {
            files: Vec::new(),
            format: Format::Auto,
            delimiter: ",".into(),
            quote: '"',
            encoding: "utf-8".into(),
            header: true,
            date_format: "iso".into(),
            decimal: '.',
            thousands: String::new(),
            sheet: None,
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
    /// An Excel workbook.
    Xlsx,
    /// One JSON object a line.
    Jsonl,
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
    /// The product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<ColumnRef>,
    /// Units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<ColumnRef>,
    /// Money per unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ColumnRef>,
    /// Money of the line; wins over quantity times price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<ColumnRef>,
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
    /// Values of the `cancelled` column that mean cancelled, compared without case.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest: Option<Day>,
}

impl Default for Cleaning {
    fn default() -> Self {
        Cleaning {
            missing_customer: MissingCustomer::Reject,
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
            latest: None,
        }
    }
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
