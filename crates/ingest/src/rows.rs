//! One row of an export: read, cleaned, accepted or rejected.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder, new_null_array,
};
use arrow::datatypes::{DataType, SchemaRef};
use tillwise_core::schema::TRANSACTIONS;
use tillwise_core::{Day, Money};
use tillwise_table::{TableError, assemble};

use crate::IngestError;
use crate::config::{Cancelled, Cleaning, MissingCustomer, NegativePrice, Returns, ZeroAmount};
use crate::dates::{DateFormat, Moment};
use crate::numbers::{Decimal, NumberFormat};

/// The parts that a column can play, in the order of [`PARTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Customer,
    Order,
    Date,
    Product,
    Quantity,
    Price,
    Amount,
    Category,
    Country,
    Channel,
    Store,
    Currency,
    UnitCost,
    Cancelled,
}

/// Every part and its key in the config's `[columns]`.
pub const PARTS: [(Part, &str); 14] = [
    (Part::Customer, "customer"),
    (Part::Order, "order"),
    (Part::Date, "date"),
    (Part::Product, "product"),
    (Part::Quantity, "quantity"),
    (Part::Price, "price"),
    (Part::Amount, "amount"),
    (Part::Category, "category"),
    (Part::Country, "country"),
    (Part::Channel, "channel"),
    (Part::Store, "store"),
    (Part::Currency, "currency"),
    (Part::UnitCost, "unit_cost"),
    (Part::Cancelled, "cancelled"),
];

impl Part {
    /// Its key in the config's `[columns]`; carried columns have the same name among the transactions.
    pub fn key(self) -> &'static str {
        PARTS[self as usize].1
    }
}

/// The text columns that are carried on as they are.
pub const CARRIED: [Part; 6] =
    [Part::Product, Part::Category, Part::Country, Part::Channel, Part::Store, Part::Currency];

/// Why a row was rejected: the codes of the `reason` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Reason {
    RaggedRow,
    UnclosedQuote,
    BadEncoding,
    BadJson,
    MissingCustomer,
    MissingOrder,
    MissingDate,
    BadDate,
    DateOutOfRange,
    MissingNumber,
    BadNumber,
    AmountOutOfRange,
    NotAProduct,
    Cancelled,
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
            Reason::MissingCustomer => "missing_customer",
            Reason::MissingOrder => "missing_order",
            Reason::MissingDate => "missing_date",
            Reason::BadDate => "bad_date",
            Reason::DateOutOfRange => "date_out_of_range",
            Reason::MissingNumber => "missing_number",
            Reason::BadNumber => "bad_number",
            Reason::AmountOutOfRange => "amount_out_of_range",
            Reason::NotAProduct => "not_a_product",
            Reason::Cancelled => "cancelled",
            Reason::ReturnExcluded => "return_excluded",
            Reason::ZeroAmount => "zero_amount",
            Reason::NegativePrice => "negative_price",
            Reason::RepeatWithinFile => "repeat_within_file",
            Reason::RepeatAcrossFiles => "repeat_across_files",
        }
    }

    /// What a user can do when most rows end so; empty where the reason speaks for itself.
    pub fn remedy(self) -> &'static str {
        match self {
            Reason::RaggedRow => "check [input] delimiter, quote and header",
            Reason::UnclosedQuote => "check [input] quote",
            Reason::BadEncoding => "state [input] encoding, for example \"windows-1252\"",
            Reason::MissingCustomer => "check [columns] customer",
            Reason::BadDate | Reason::MissingDate => {
                "state [input] date_format, for example \"%d/%m/%Y\", and check [columns] date"
            }
            Reason::DateOutOfRange => "check [cleaning] earliest and latest, and [input] date_format",
            Reason::BadNumber | Reason::MissingNumber => "check [input] decimal and thousands, and [columns]",
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
    let text = String::from_utf8_lossy(value);
    match text.char_indices().nth(VALUE_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// Everything that turns fields into lines, fixed for one run.
#[derive(Clone, Debug)]
pub struct Rules {
    pub dates: DateFormat,
    pub numbers: NumberFormat,
    pub cleaning: Cleaning,
    pub not_products: Vec<Pattern>,
    /// Whether there is a column for the part.
    pub mapped: [bool; PARTS.len()],
    pub schema: SchemaRef,
}

/// A product code with `*` for anything.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<String>);

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        Pattern(text.split('*').map(str::to_owned).collect())
    }

    pub fn matches(&self, code: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return code == first };
        let Some(mut code) = code.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            match code.find(part.as_str()) {
                Some(at) => code = &code[at + part.len()..],
                None => return false,
            }
        }
        code.len() >= last.len() && code.ends_with(last.as_str())
    }
}

/// Where the fields of one file's rows are, by part.
pub type Slots = [Option<usize>; PARTS.len()];

/// Accepted lines of one month, in the order read.
pub struct Lines {
    customer: StringBuilder,
    order: StringBuilder,
    date: Date32Builder,
    at: TimestampMicrosecondBuilder,
    is_return: BooleanBuilder,
    quantity: Int64Builder,
    amount: Int64Builder,
    cost: Int64Builder,
    carried: [StringBuilder; CARRIED.len()],
    pub hashes: Vec<u128>,
    pub line_numbers: Vec<u64>,
}

impl Lines {
    fn new() -> Lines {
        Lines {
            customer: StringBuilder::new(),
            order: StringBuilder::new(),
            date: Date32Builder::new(),
            at: TimestampMicrosecondBuilder::new(),
            is_return: BooleanBuilder::new(),
            quantity: Int64Builder::new(),
            amount: Int64Builder::new(),
            cost: Int64Builder::new(),
            carried: std::array::from_fn(|_| StringBuilder::new()),
            hashes: Vec::new(),
            line_numbers: Vec::new(),
        }
    }

    /// The lines as a table of transactions.
    pub fn finish(&mut self, rules: &Rules) -> Result<RecordBatch, TableError> {
        let n = self.line_numbers.len();
        let cost: ArrayRef = if rules.mapped[Part::UnitCost as usize] {
            Arc::new(self.cost.finish())
        } else {
            new_null_array(&DataType::Int64, n)
        };
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("customer_id", Arc::new(self.customer.finish())),
            ("order_id", Arc::new(self.order.finish())),
            ("order_date", Arc::new(self.date.finish())),
            ("ordered_at", Arc::new(self.at.finish())),
            ("is_return", Arc::new(self.is_return.finish())),
            ("quantity_e4", Arc::new(self.quantity.finish())),
            ("amount_e4", Arc::new(self.amount.finish())),
            ("cost_e4", cost),
        ];
        for (builder, part) in self.carried.iter_mut().zip(CARRIED) {
            let carried: ArrayRef = if rules.mapped[part as usize] {
                Arc::new(builder.finish())
            } else {
                new_null_array(&DataType::Utf8, n)
            };
            columns.push((part.key(), carried));
        }
        assemble("transactions", TRANSACTIONS, columns)
    }
}

/// What one block of rows came to.
pub struct Parsed {
    pub months: BTreeMap<i32, Lines>,
    pub rejects: Vec<Reject>,
    pub stats: Stats,
    pub fatal: Option<IngestError>,
}

/// Sums over accepted lines; they add up in any order.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub rows: u64,
    pub blank: u64,
    pub accepted: u64,
    pub returns: u64,
    pub gross: i128,
    pub returned: i128,
    pub units: i128,
    pub first: Option<Day>,
    pub last: Option<Day>,
    pub nulls: [u64; CARRIED.len()],
    pub currency: Option<String>,
    pub other_currency: Option<String>,
}

impl Stats {
    pub fn add(&mut self, other: &Stats) {
        self.rows += other.rows;
        self.blank += other.blank;
        self.accepted += other.accepted;
        self.returns += other.returns;
        self.gross += other.gross;
        self.returned += other.returned;
        self.units += other.units;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        for (mine, theirs) in self.nulls.iter_mut().zip(other.nulls) {
            *mine += theirs;
        }
        match (&self.currency, &other.currency) {
            (None, _) => self.currency.clone_from(&other.currency),
            (Some(a), Some(b)) if a != b => self.other_currency = Some(b.clone()),
            _ => {}
        }
        if other.other_currency.is_some() {
            self.other_currency.clone_from(&other.other_currency);
        }
    }
}

/// A line that passed every rule.
struct Accepted<'a> {
    customer: &'a str,
    order: Option<&'a str>,
    moment: Moment,
    is_return: bool,
    quantity: Money,
    amount: Money,
    cost: Option<Money>,
    carried: [Option<&'a str>; CARRIED.len()],
}

/// Reads the rows of one block.
pub struct RowReader<'a> {
    rules: &'a Rules,
    slots: &'a Slots,
    /// Names rows that have no order column: unique over files.
    file_number: usize,
    /// Whether the format types its values: dates arrive as ISO and numbers with a point, whatever was
    /// stated for text.
    typed: bool,
    last_date: (Vec<u8>, Option<Moment>),
    last_month: (Day, i32),
    pub parsed: Parsed,
}

type Refused<'a> = (Option<Part>, &'a [u8], Reason);

impl<'a> RowReader<'a> {
    pub fn new(rules: &'a Rules, slots: &'a Slots, file_number: usize, typed: bool) -> RowReader<'a> {
        let parsed =
            Parsed { months: BTreeMap::new(), rejects: Vec::new(), stats: Stats::default(), fatal: None };
        RowReader {
            rules,
            slots,
            file_number,
            typed,
            last_date: (Vec::new(), None),
            last_month: (Day(i32::MIN), 0),
            parsed,
        }
    }

    /// Rejects a row that could not even be cut into fields.
    pub fn reject(&mut self, line: u64, value: &[u8], reason: Reason) {
        self.parsed.stats.rows += 1;
        self.parsed.rejects.push(Reject { line, part: None, value: lossy(value), reason });
    }

    /// Takes one row. `hash` identifies its fields.
    pub fn row(&mut self, line: u64, fields: &[&[u8]], hash: impl FnOnce() -> u128) {
        self.parsed.stats.rows += 1;
        match self.read(fields) {
            Ok(accepted) => self.accept(line, accepted, hash()),
            Err((part, value, reason)) => {
                if reason == Reason::MissingCustomer
                    && self.rules.cleaning.missing_customer == MissingCustomer::Fail
                    && self.parsed.fatal.is_none()
                {
                    self.parsed.fatal = Some(IngestError::MissingCustomer { place: format!("line {line}") });
                }
                self.parsed.rejects.push(Reject { line, part, value: lossy(value), reason });
            }
        }
    }

    fn field<'f>(&self, fields: &[&'f [u8]], part: Part) -> Option<&'f [u8]> {
        self.slots[part as usize].and_then(|at| fields.get(at)).map(|f| f.trim_ascii())
    }

    fn text<'f>(&self, fields: &[&'f [u8]], part: Part) -> Result<Option<&'f str>, Refused<'f>> {
        match self.field(fields, part) {
            Some(f) if !is_null(f) => match std::str::from_utf8(f) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err((Some(part), f, Reason::BadEncoding)),
            },
            _ => Ok(None),
        }
    }

    fn number<'f>(&self, fields: &[&'f [u8]], part: Part) -> Result<Option<Decimal>, Refused<'f>> {
        let Some(field) = self.field(fields, part) else { return Ok(None) };
        let typed = if self.typed { NumberFormat::typed().parse(field) } else { None };
        match typed.or_else(|| self.rules.numbers.parse(field)) {
            Some(value) => Ok(Some(value)),
            None if is_null(field) => Err((Some(part), field, Reason::MissingNumber)),
            None => Err((Some(part), field, Reason::BadNumber)),
        }
    }

    fn moment<'f>(&mut self, fields: &[&'f [u8]]) -> Result<Moment, Refused<'f>> {
        let field = self.field(fields, Part::Date).unwrap_or_default();
        if field != self.last_date.0 {
            self.last_date.0.clear();
            self.last_date.0.extend_from_slice(field);
            let typed = if self.typed { DateFormat::iso().parse(field) } else { None };
            self.last_date.1 = typed.or_else(|| self.rules.dates.parse(field));
        }
        let moment = match self.last_date.1 {
            Some(moment) => moment,
            None if is_null(field) => return Err((Some(Part::Date), field, Reason::MissingDate)),
            None => return Err((Some(Part::Date), field, Reason::BadDate)),
        };
        let cleaning = &self.rules.cleaning;
        if moment.day < cleaning.earliest || cleaning.latest.is_some_and(|l| moment.day > l) {
            return Err((Some(Part::Date), field, Reason::DateOutOfRange));
        }
        Ok(moment)
    }

    fn read<'f>(&mut self, fields: &[&'f [u8]]) -> Result<Accepted<'f>, Refused<'f>> {
        let cleaning = &self.rules.cleaning;
        let Some(customer) = self.text(fields, Part::Customer)? else {
            let field = self.field(fields, Part::Customer).unwrap_or_default();
            return Err((Some(Part::Customer), field, Reason::MissingCustomer));
        };
        let customer = without_float_tail(customer);
        let order = match self.slots[Part::Order as usize] {
            None => None,
            Some(_) => match self.text(fields, Part::Order)? {
                Some(order) => Some(without_float_tail(order)),
                None => return Err((Some(Part::Order), b"", Reason::MissingOrder)),
            },
        };
        let moment = self.moment(fields)?;
        let mut carried = [None; CARRIED.len()];
        for (value, part) in carried.iter_mut().zip(CARRIED) {
            *value = self.text(fields, part)?;
        }
        if let Some(product) = carried[0]
            && self.rules.not_products.iter().any(|p| p.matches(product))
        {
            return Err((Some(Part::Product), product.as_bytes(), Reason::NotAProduct));
        }

        let quantity = self.number(fields, Part::Quantity)?.unwrap_or(Decimal::ONE);
        let (value_part, value, amount) = match self.number(fields, Part::Amount)? {
            Some(amount) => (Part::Amount, amount, amount.money()),
            None => match self.number(fields, Part::Price)? {
                Some(price) => (Part::Price, price, quantity.times(price)),
                None => return Err((Some(Part::Price), b"", Reason::MissingNumber)),
            },
        };
        let value_field = || self.field(fields, value_part).unwrap_or_default();
        let too_large =
            |part| (Some(part), self.field(fields, part).unwrap_or_default(), Reason::AmountOutOfRange);
        let amount = amount.ok_or_else(|| too_large(value_part))?;
        let units = quantity.money().ok_or_else(|| too_large(Part::Quantity))?;
        // A unit cost left blank is unknown, not an error.
        let blank = self.field(fields, Part::UnitCost).is_none_or(is_null);
        let unit_cost = if blank { None } else { self.number(fields, Part::UnitCost)? };
        let cost = match unit_cost {
            Some(cost) => Some(quantity.times(cost).ok_or_else(|| too_large(Part::UnitCost))?),
            None => None,
        };
        // Exports write a line that takes money back with either sign; it is kept with both negative.
        let is_return = amount.0 < 0 || quantity.mantissa < 0;
        let signed = |m: Money| if is_return { Money(-m.0.abs()) } else { m };
        let (amount, units, cost) = (signed(amount), signed(units), cost.map(signed));

        let cancelled = self.is_cancelled(fields, order)?;
        if cancelled && (!is_return || cleaning.cancelled == Cancelled::Exclude) {
            let part =
                if self.slots[Part::Cancelled as usize].is_some() { Part::Cancelled } else { Part::Order };
            return Err((Some(part), self.field(fields, part).unwrap_or_default(), Reason::Cancelled));
        }
        if value_part == Part::Price && value.mantissa < 0 && cleaning.negative_price == NegativePrice::Reject
        {
            return Err((Some(Part::Price), value_field(), Reason::NegativePrice));
        }
        if is_return && cleaning.returns == Returns::Exclude {
            let part = if quantity.mantissa < 0 { Part::Quantity } else { value_part };
            return Err((Some(part), self.field(fields, part).unwrap_or_default(), Reason::ReturnExcluded));
        }
        let zero = value.mantissa == 0 || quantity.mantissa == 0;
        if zero && cleaning.zero_amount == ZeroAmount::Reject {
            let part = if value.mantissa == 0 { value_part } else { Part::Quantity };
            return Err((Some(part), self.field(fields, part).unwrap_or_default(), Reason::ZeroAmount));
        }
        Ok(Accepted { customer, order, moment, is_return, quantity: units, amount, cost, carried })
    }

    fn is_cancelled<'f>(&self, fields: &[&'f [u8]], order: Option<&str>) -> Result<bool, Refused<'f>> {
        let cleaning = &self.rules.cleaning;
        let by_prefix = !cleaning.cancelled_prefix.is_empty()
            && order.is_some_and(|o| o.starts_with(&cleaning.cancelled_prefix));
        let by_flag = self
            .text(fields, Part::Cancelled)?
            .is_some_and(|v| cleaning.cancelled_values.iter().any(|c| c.eq_ignore_ascii_case(v)));
        Ok(by_prefix || by_flag)
    }

    fn accept(&mut self, line: u64, a: Accepted<'_>, hash: u128) {
        let day = a.moment.day;
        if self.last_month.0 != day {
            self.last_month = (day, day.month_index());
        }
        let stats = &mut self.parsed.stats;
        stats.accepted += 1;
        stats.first = Some(stats.first.map_or(day, |f| f.min(day)));
        stats.last = stats.last.max(Some(day));
        if a.is_return {
            stats.returns += 1;
            stats.returned -= i128::from(a.amount.0);
        } else {
            stats.gross += i128::from(a.amount.0);
            stats.units += i128::from(a.quantity.0);
        }
        for (nulls, value) in stats.nulls.iter_mut().zip(a.carried) {
            *nulls += u64::from(value.is_none());
        }
        if let Some(currency) = a.carried[CARRIED.len() - 1] {
            match &stats.currency {
                None => stats.currency = Some(currency.to_owned()),
                Some(seen) if seen != currency => stats.other_currency = Some(currency.to_owned()),
                Some(_) => {}
            }
        }

        let lines = self.parsed.months.entry(self.last_month.1).or_insert_with(Lines::new);
        lines.customer.append_value(a.customer);
        match a.order {
            Some(order) => lines.order.append_value(order),
            None => lines.order.append_value(format!("{}:{line}", self.file_number)),
        }
        lines.date.append_value(day.0);
        lines.at.append_value(a.moment.micros);
        lines.is_return.append_value(a.is_return);
        lines.quantity.append_value(a.quantity.0);
        lines.amount.append_value(a.amount.0);
        if self.rules.mapped[Part::UnitCost as usize] {
            lines.cost.append_option(a.cost.map(|c| c.0));
        }
        for ((builder, part), value) in lines.carried.iter_mut().zip(CARRIED).zip(a.carried) {
            if self.rules.mapped[part as usize] {
                builder.append_option(value);
            }
        }
        lines.hashes.push(hash);
        lines.line_numbers.push(line);
    }
}

/// Whether a field stands for nothing: empty, or what pandas and SQL write for it.
pub fn is_null(field: &[u8]) -> bool {
    matches!(field, b"" | b"nan" | b"NaN" | b"null" | b"NULL" | b"None" | b"<NA>" | b"\\N")
}

/// `13085` of `13085.0`: pandas turns ids into floats when some are missing.
pub fn without_float_tail(id: &str) -> &str {
    match id.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && !zeros.is_empty()
                && whole.bytes().all(|b| b.is_ascii_digit())
                && zeros.bytes().all(|b| b == b'0') =>
        {
            whole
        }
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_tails_go_and_other_ids_stay() {
        assert_eq!(without_float_tail("13085.0"), "13085");
        assert_eq!(without_float_tail("00042"), "00042");
        for id in ["1.5", "a.0", ".0", "1.", "1.0.0", "12 .0"] {
            assert_eq!(without_float_tail(id), id);
        }
    }

    #[test]
    fn patterns_match_whole_codes() {
        assert!(Pattern::new("POST").matches("POST"));
        assert!(!Pattern::new("POST").matches("POSTER"));
        assert!(Pattern::new("TEST*").matches("TEST001"));
        assert!(Pattern::new("*gift*").matches("a gift card"));
        assert!(Pattern::new("a*a").matches("aba") && !Pattern::new("a*a").matches("a"));
        assert!(Pattern::new("*").matches(""));
    }
}
