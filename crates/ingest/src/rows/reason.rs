//! Why rows are rejected.

use serde::{Deserialize, Serialize};

use super::Part;

/// Why a row was rejected: the codes of the `reason` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Reason {
    RaggedRow,
    UnclosedQuote,
    BadEncoding,
    BadJson,
    RepeatedHeader,
    RuledLine,
    TotalRow,
    MissingCustomer,
    MissingOrder,
    MissingDate,
    BadDate,
    DateOutOfRange,
    StrayDate,
    MissingNumber,
    BadNumber,
    AmountOutOfRange,
    NotAProduct,
    NotASale,
    Cancelled,
    OtherCurrency,
    ReturnExcluded,
    ZeroAmount,
    NegativePrice,
    RepeatWithinFile,
    RepeatAcrossFiles,
}

impl Reason {
    /// The code, as it stands in the rejects.
    pub fn code(self) -> &'static str {
        match self {
            Reason::RaggedRow => "ragged_row",
            Reason::UnclosedQuote => "unclosed_quote",
            Reason::BadEncoding => "bad_encoding",
            Reason::BadJson => "bad_json",
            Reason::RepeatedHeader => "repeated_header",
            Reason::RuledLine => "ruled_line",
            Reason::TotalRow => "total_row",
            Reason::MissingCustomer => "missing_customer",
            Reason::MissingOrder => "missing_order",
            Reason::MissingDate => "missing_date",
            Reason::BadDate => "bad_date",
            Reason::DateOutOfRange => "date_out_of_range",
            Reason::StrayDate => "stray_date",
            Reason::MissingNumber => "missing_number",
            Reason::BadNumber => "bad_number",
            Reason::AmountOutOfRange => "amount_out_of_range",
            Reason::NotAProduct => "not_a_product",
            Reason::NotASale => "not_a_sale",
            Reason::Cancelled => "cancelled",
            Reason::OtherCurrency => "other_currency",
            Reason::ReturnExcluded => "return_excluded",
            Reason::ZeroAmount => "zero_amount",
            Reason::NegativePrice => "negative_price",
            Reason::RepeatWithinFile => "repeat_within_file",
            Reason::RepeatAcrossFiles => "repeat_across_files",
        }
    }

    /// Whether the row holds something that could not be read, rather than something that is left out on purpose.
    pub fn is_unreadable(self) -> bool {
        matches!(
            self,
            Reason::RaggedRow
                | Reason::UnclosedQuote
                | Reason::BadEncoding
                | Reason::BadJson
                | Reason::BadDate
                | Reason::DateOutOfRange
                | Reason::BadNumber
                | Reason::AmountOutOfRange
        )
    }

    /// What a user can do when most rows end so; empty where the reason speaks for itself.
    pub fn remedy(self) -> &'static str {
        match self {
            Reason::RaggedRow => "check [input] delimiter, quote, skip_lines and header",
            Reason::UnclosedQuote => "check [input] quote; \"\" takes quotes for text",
            Reason::BadEncoding => "state [input] encoding, for example \"windows-1252\"",
            Reason::MissingCustomer => "check [columns] customer",
            Reason::BadDate | Reason::MissingDate => {
                "state [input] date_format, for example \"%d/%m/%Y\", and check [columns] date"
            }
            Reason::DateOutOfRange => "check [cleaning] earliest and latest, and [input] date_format",
            Reason::BadNumber | Reason::MissingNumber => "check [input] decimal and thousands, and [columns]",
            Reason::NotASale => "check [columns] status and [cleaning] not_sales",
            Reason::OtherCurrency => "check [cleaning] currency",
            Reason::ZeroAmount => "[cleaning] zero_amount = \"keep\" accepts such rows",
            Reason::ReturnExcluded => "check the sign of the amounts and [cleaning] returns",
            _ => "",
        }
    }
}

/// A row that was not accepted.
#[derive(Clone, Debug)]
pub struct Reject {
    pub line: u64,
    pub part: Option<Part>,
    pub value: String,
    pub reason: Reason,
}

/// The most of a rejected value that is kept.
const VALUE_LIMIT: usize = 200;

pub fn lossy(value: &[u8]) -> String {
    // A value may be as long as a file.
    let value = &value[..value.len().min(4 * VALUE_LIMIT + 4)];
    let text = String::from_utf8_lossy(value);
    match text.char_indices().nth(VALUE_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
