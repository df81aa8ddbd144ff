//! One row of an export: read, cleaned, accepted or rejected.

mod lines;
mod part;
mod reason;
mod rules;

use std::borrow::Cow;

use chrono::TimeZone;
use tillwise_core::{Day, Money};

use crate::IngestError;
use crate::config::{Cancelled, MissingCustomer, NegativePrice, Returns, ZeroAmount};
use crate::dates::{DateFormat, Moment};
use crate::identity;
use crate::numbers::{Decimal, NumberFormat, currency};
use crate::repeats::hash_fields;
use crate::source::{Layout, MOMENT, NUMBER, Slots, bare};

pub use lines::{Gone, Lines, Parsed, Stats};
pub use part::{CARRIED, PARTS, Part};
pub use reason::{Reason, Reject, lossy};
pub use rules::{Patterns, Rules};

use part::{CURRENCY, OFF, PRODUCT};
use rules::listed;

/// A line that passed every rule.
struct Accepted<'a> {
    customer: Cow<'a, str>,
    order: Option<Cow<'a, str>>,
    moment: Moment,
    is_return: bool,
    quantity: Money,
    amount: Money,
    cost: Option<Money>,
    carried: [Option<Cow<'a, str>>; CARRIED.len()],
    /// The currency that stands beside the money.
    beside: Option<&'static str>,
}

/// What takes rows: the reader of transactions, or a look at what the columns hold.
pub trait TakeRows {
    /// A row that could not even be cut into fields.
    fn reject(&mut self, line: u64, value: &[u8], reason: Reason);

    /// One row. `hash` identifies its fields.
    fn row(&mut self, line: u64, fields: &[&[u8]], hash: &dyn Fn() -> u128);

    /// A line with nothing on it; it is no row.
    fn blank(&mut self);
}

/// What is carried from row to row within a file, where blank cells repeat the one above.
pub type Above = Vec<Vec<u8>>;

/// Reads the rows of one block.
pub struct RowReader<'a> {
    rules: &'a Rules,
    layout: &'a Layout,
    /// Names rows that have no order column: unique over files.
    file_number: usize,
    /// Whether the format types its values: dates arrive as ISO and numbers with a point, whatever was
    /// stated for text.
    typed: bool,
    last_date: (Vec<u8>, Option<Moment>),
    last_month: (Day, i32),
    /// How far from UTC the last date said that it is.
    offset: Option<Option<i32>>,
    /// The month of the row that is being read, once its date is known.
    month: Option<i32>,
    /// The order's cell of the row above, and those that repeat downwards.
    pub above: Above,
    pub parsed: Parsed,
}

/// Why a row is not accepted. In a box, so that the results of rows that are accepted stay small.
struct Refused<'a>(Box<(Part, Cow<'a, [u8]>, Reason)>);

fn refused<'a>(part: Part, value: impl Into<Cow<'a, [u8]>>, reason: Reason) -> Refused<'a> {
    Refused(Box::new((part, value.into(), reason)))
}

impl TakeRows for RowReader<'_> {
    fn reject(&mut self, line: u64, value: &[u8], reason: Reason) {
        self.parsed.stats.rows += 1;
        self.parsed.rejects.push(Reject { line, part: None, value: lossy(value), reason });
    }

    fn row(&mut self, line: u64, fields: &[&[u8]], hash: &dyn Fn() -> u128) {
        let layout = self.layout;
        if layout.joins.is_empty() && layout.slots.fill.is_empty() {
            return self.take(line, fields, hash);
        }
        // Blank cells repeat the one above, if it is of the same order.
        let slots = &layout.slots;
        let mut above = std::mem::take(&mut self.above);
        let mut fields: Vec<&[u8]> = fields.to_vec();
        if !slots.fill.is_empty() {
            above.resize(slots.fill.len() + 1, Vec::new());
            let order = slots.part(Part::Order);
            let fills_order = order.is_some_and(|o| slots.fill.contains(&o));
            let now = order.and_then(|o| fields.get(o)).map(|f| f.trim_ascii().to_vec()).unwrap_or_default();
            let same = fills_order || now == above[0];
            let kept: Vec<Vec<u8>> = slots
                .fill
                .iter()
                .zip(&above[1..])
                .map(|(at, old)| match fields.get(*at).map(|f| f.trim_ascii()) {
                    Some(b"") if same => old.clone(),
                    Some(value) => value.to_vec(),
                    None => Vec::new(),
                })
                .collect();
            for (i, value) in kept.into_iter().enumerate() {
                above[i + 1] = value;
            }
            above[0] = now;
            for (i, at) in slots.fill.iter().enumerate() {
                if let Some(field) = fields.get_mut(*at) {
                    *field = &above[i + 1];
                }
            }
        }
        layout.joined(&mut fields);
        self.take(line, &fields, hash);
        self.above = above;
    }

    fn blank(&mut self) {
        self.parsed.stats.blank += 1;
    }
}

impl<'a> RowReader<'a> {
    pub fn new(rules: &'a Rules, layout: &'a Layout, file_number: usize) -> RowReader<'a> {
        RowReader {
            rules,
            layout,
            file_number,
            typed: layout.typed,
            last_date: (Vec::new(), None),
            last_month: (Day(i32::MIN), 0),
            month: None,
            offset: None,
            above: Vec::new(),
            parsed: Parsed::default(),
        }
    }

    fn slots(&self) -> &'a Slots {
        &self.layout.slots
    }

    fn take(&mut self, line: u64, fields: &[&[u8]], hash: &dyn Fn() -> u128) {
        self.parsed.stats.rows += 1;
        self.month = None;
        match self.read(fields) {
            Ok(accepted) => self.accept(line, &accepted, fields, hash()),
            Err(refused) => {
                let (part, value, reason) = *refused.0;
                let reason = self.rather(fields, reason);
                if self.rules.by_order_line && matches!(reason, Reason::NotASale | Reason::Cancelled) {
                    let gone = self.gone(fields);
                    self.parsed.gone.extend(gone.map(|(month, key)| Gone { month, key, line, full: hash() }));
                }
                if reason == Reason::MissingCustomer
                    && self.rules.cleaning.missing_customer == MissingCustomer::Fail
                    && self.parsed.fatal.is_none()
                {
                    self.parsed.fatal = Some(IngestError::MissingCustomer { place: format!("line {line}") });
                }
                if let (Some(month), true) = (self.month, reason.is_unreadable()) {
                    *self.parsed.stats.unreadable.entry(month).or_default() += 1;
                }
                self.parsed.rejects.push(Reject { line, part: Some(part), value: lossy(&value), reason });
            }
        }
    }

    /// A customer's id, in small letters where that tells nobody apart.
    fn customer<'f>(&self, text: &'f str) -> Cow<'f, str> {
        identity::customer(identity::id(text), self.rules.cleaning.fold_case)
    }

    /// The same where ids are numbers.
    fn numbered<'f>(&self, customer: Cow<'f, str>) -> Cow<'f, str> {
        match self.rules.cleaning.numeric_customers {
            true => Cow::Owned(identity::number(&customer).into_owned()),
            false => customer,
        }
    }

    /// The month and the order line of a row that is no sale: an earlier file may have it as one.
    fn gone(&mut self, fields: &[&[u8]]) -> Option<(i32, u128)> {
        let customer = self.numbered(self.customer(self.text(fields, Part::Customer).ok()??));
        let order = identity::id(self.text(fields, Part::Order).ok()??);
        let product = self.text(fields, Part::Product).ok()?.map(identity::tidy).unwrap_or_default();
        let day = self.moment(fields).ok()?.day;
        let order = composed(self.layout, Some(&order), fields, day)?;
        Some((self.last_month.1, order_line(&customer, &order, day, &product, false)))
    }

    /// A better word for rows that are no data: a header that stands again, a line of dashes.
    fn rather(&self, fields: &[&[u8]], reason: Reason) -> Reason {
        if !matches!(reason, Reason::BadDate | Reason::MissingDate | Reason::BadNumber) {
            return reason;
        }
        let dashes = |f: &&[u8]| f.iter().all(|b| matches!(b, b'-' | b'=' | b'+' | b' ' | b'_'));
        if fields.iter().all(dashes) && fields.iter().any(|f| f.len() > 1) {
            return Reason::RuledLine;
        }
        let date = self.field(fields, Part::Date).unwrap_or_default();
        let name = self.layout.names[Part::Date as usize].as_deref().unwrap_or_default();
        if !date.is_empty() && date.eq_ignore_ascii_case(name.as_bytes()) {
            Reason::RepeatedHeader
        } else {
            reason
        }
    }

    fn is_mapped(&self, part: Part) -> bool {
        self.slots().part(part).is_some()
    }

    /// A cell as it is, with the sign of its type.
    fn cell<'f>(&self, fields: &[&'f [u8]], part: Part) -> Option<&'f [u8]> {
        self.slots().part(part).and_then(|at| fields.get(at)).map(|f| f.trim_ascii())
    }

    /// A cell without the sign of its type. Within `read`, where it is called for every cell; a call of its own costs a tenth of the ingest.
    #[inline(always)]
    fn field<'f>(&self, fields: &[&'f [u8]], part: Part) -> Option<&'f [u8]> {
        let cell = self.cell(fields, part)?;
        Some(if self.typed { bare(cell).trim_ascii() } else { cell })
    }

    /// Whether a cell is typed so by its file.
    fn is_typed(&self, fields: &[&[u8]], part: Part, sign: u8) -> bool {
        self.typed && self.cell(fields, part).is_some_and(|c| c.first() == Some(&sign))
    }

    #[inline(always)]
    fn text<'f>(&self, fields: &[&'f [u8]], part: Part) -> Result<Option<&'f str>, Refused<'f>> {
        match self.field(fields, part) {
            Some(f) if !is_null(f) => match std::str::from_utf8(f) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(refused(part, f, Reason::BadEncoding)),
            },
            _ => Ok(None),
        }
    }

    /// The refusal of a row for what is in one of its cells.
    fn refuse<'f>(&self, fields: &[&'f [u8]], part: Part, reason: Reason) -> Refused<'f> {
        refused(part, self.field(fields, part).unwrap_or_default(), reason)
    }

    /// The number of a cell that the file holds as a number.
    fn typed_number(&self, fields: &[&[u8]], part: Part) -> Option<Decimal> {
        if !self.is_typed(fields, part, NUMBER) {
            return None;
        }
        NumberFormat::typed().parse(self.field(fields, part)?)
    }

    /// A number of money, and the currency beside it.
    fn money<'f>(
        &self,
        fields: &[&'f [u8]],
        part: Part,
    ) -> Result<Option<(Decimal, Option<&'static str>)>, Refused<'f>> {
        let Some(field) = self.field(fields, part) else { return Ok(None) };
        let typed = self.typed_number(fields, part).map(|d| (d, None));
        match typed.or_else(|| self.rules.numbers.parse_money(field)) {
            Some((value, beside)) => {
                Ok(Some((if self.rules.hundredths { value.hundredths() } else { value }, beside)))
            }
            // A dash is how ledgers write nothing.
            None if !field.is_empty() && field.iter().all(|b| *b == b'-') => Ok(Some((Decimal::ZERO, None))),
            None if is_null(field) || is_dash(field) => Err(refused(part, field, Reason::MissingNumber)),
            None => Err(refused(part, field, Reason::BadNumber)),
        }
    }

    /// The same where a blank means that there is none.
    fn money_or_none<'f>(
        &self,
        fields: &[&'f [u8]],
        part: Part,
    ) -> Result<Option<(Decimal, Option<&'static str>)>, Refused<'f>> {
        match self.money(fields, part) {
            Err(refused) if refused.0.2 == Reason::MissingNumber => Ok(None),
            other => other,
        }
    }

    fn quantity<'f>(&self, fields: &[&'f [u8]]) -> Result<Decimal, Refused<'f>> {
        let Some(field) = self.field(fields, Part::Quantity) else { return Ok(Decimal::ONE) };
        match self.typed_number(fields, Part::Quantity).or_else(|| self.rules.numbers.parse_quantity(field)) {
            Some(quantity) => Ok(quantity),
            None if is_null(field) || is_dash(field) => {
                Err(refused(Part::Quantity, field, Reason::MissingNumber))
            }
            None => Err(refused(Part::Quantity, field, Reason::BadNumber)),
        }
    }

    fn moment<'f>(&mut self, fields: &[&'f [u8]]) -> Result<Moment, Refused<'f>> {
        let field = self.field(fields, Part::Date).unwrap_or_default();
        if field != self.last_date.0 {
            self.last_date.0.clear();
            self.last_date.0.extend_from_slice(field);
            let typed =
                if self.is_typed(fields, Part::Date, MOMENT) { DateFormat::iso().parse(field) } else { None };
            let read = typed.or_else(|| self.rules.dates.iter().find_map(|f| f.parse(field)));
            self.last_date.1 = read.map(|m| self.in_zone(m));
        }
        let moment = match self.last_date.1 {
            Some(moment) => moment,
            None if is_null(field) || is_zero_date(field) => {
                return Err(refused(Part::Date, field, Reason::MissingDate));
            }
            None => return Err(refused(Part::Date, field, Reason::BadDate)),
        };
        let cleaning = &self.rules.cleaning;
        if moment.day < cleaning.earliest || moment.day > cleaning.latest {
            return Err(refused(Part::Date, field, Reason::DateOutOfRange));
        }
        if self.last_month.0 != moment.day {
            self.last_month = (moment.day, moment.day.month_index());
        }
        self.month = Some(self.last_month.1);
        Ok(moment)
    }

    /// The same moment by the clocks of the config's zone, where the text says which clocks it was by.
    fn in_zone(&mut self, moment: Moment) -> Moment {
        let (Some(zone), Some(offset)) = (self.rules.zone, moment.offset_minutes) else {
            if self.offset != Some(moment.offset_minutes) {
                self.offset = Some(moment.offset_minutes);
                self.parsed.stats.offsets.insert(moment.offset_minutes);
            }
            return moment;
        };
        let utc = moment.micros - i64::from(offset) * 60_000_000;
        let Some(utc) = chrono::DateTime::from_timestamp_micros(utc) else { return moment };
        let local = zone.from_utc_datetime(&utc.naive_utc()).naive_local();
        match Day::from_date(local.date()) {
            Some(day) => Moment { day, micros: local.and_utc().timestamp_micros(), ..moment },
            None => moment,
        }
    }

    fn read<'f>(&mut self, fields: &[&'f [u8]]) -> Result<Accepted<'f>, Refused<'f>> {
        let rules = self.rules;
        let cleaning = &rules.cleaning;
        let customer = match self.text(fields, Part::Customer)? {
            Some(text) => self.customer(text),
            None => Cow::Borrowed(""),
        };
        if listed(&rules.patterns.totals, &customer) {
            return Err(refused(Part::Customer, customer.as_bytes().to_vec(), Reason::TotalRow));
        }
        if is_null(customer.as_bytes()) || listed(&rules.patterns.no_customer, &customer) {
            return Err(self.refuse(fields, Part::Customer, Reason::MissingCustomer));
        }
        let customer = self.numbered(customer);
        let order = match self.slots().part(Part::Order) {
            None => None,
            Some(_) => match self.text(fields, Part::Order)?.map(identity::id).filter(|o| !o.is_empty()) {
                Some(order) => Some(order),
                None => return Err(refused(Part::Order, &b""[..], Reason::MissingOrder)),
            },
        };
        if let Some(order) = order.as_deref().filter(|o| listed(&rules.patterns.totals, o)) {
            return Err(refused(Part::Order, order.as_bytes().to_vec(), Reason::TotalRow));
        }
        let moment = self.moment(fields)?;
        let mut carried = [const { None }; CARRIED.len()];
        for (value, part) in carried.iter_mut().zip(CARRIED).filter(|(_, part)| self.is_mapped(*part)) {
            *value = self.text(fields, part)?.map(identity::tidy).filter(|t| !t.is_empty());
        }
        if let Some(product) = carried[PRODUCT].as_deref()
            && rules.patterns.not_products.iter().any(|p| p.matches(product))
        {
            return Err(refused(Part::Product, product.as_bytes().to_vec(), Reason::NotAProduct));
        }
        let status = self.text(fields, Part::Status)?.map(identity::tidy);
        if let Some(status) = status.as_deref().filter(|s| listed(&rules.patterns.not_sales, s)) {
            return Err(refused(Part::Status, status.as_bytes().to_vec(), Reason::NotASale));
        }

        let quantity = self.quantity(fields)?;
        let (value_part, value, beside, amount) = self.value(fields, quantity)?;
        let too_large = |part| self.refuse(fields, part, Reason::AmountOutOfRange);
        let mut amount = amount.ok_or_else(|| too_large(value_part))?;
        let units = quantity.money().ok_or_else(|| too_large(Part::Quantity))?;
        for part in OFF.into_iter().filter(|part| self.is_mapped(*part)) {
            // What is taken off a return is taken off what is given back.
            let off = match self.money_or_none(fields, part)? {
                Some((off, _)) => off.money().ok_or_else(|| too_large(part))?.0.abs(),
                None => 0,
            };
            amount.0 -= if amount.0 < 0 { -off } else { off };
        }
        // A unit cost left blank is unknown, not an error.
        let unit_cost =
            if self.is_mapped(Part::UnitCost) { self.money_or_none(fields, Part::UnitCost)? } else { None };
        let cost = match unit_cost {
            Some((cost, _)) => Some(quantity.times(cost).ok_or_else(|| too_large(Part::UnitCost))?),
            None => None,
        };
        // Exports write a line that takes money back with either sign; it is kept with both negative.
        let turned = status.as_deref().is_some_and(|s| listed(&rules.patterns.returned, s));
        let is_return = amount.0 < 0 || quantity.mantissa < 0 || turned;
        let signed = |m: Money| if is_return { Money(-m.0.abs()) } else { m };
        let (amount, units, cost) = (signed(amount), signed(units), cost.map(signed));

        let cancelled = self.is_cancelled(fields, order.as_deref())?;
        if cancelled && (!is_return || cleaning.cancelled == Cancelled::Exclude) {
            let part = if self.is_mapped(Part::Cancelled) { Part::Cancelled } else { Part::Order };
            return Err(self.refuse(fields, part, Reason::Cancelled));
        }
        let negative = value_part == Part::Price && value.mantissa < 0 && quantity.mantissa >= 0;
        if negative && !turned && cleaning.negative_price == NegativePrice::Reject {
            return Err(self.refuse(fields, Part::Price, Reason::NegativePrice));
        }
        if is_return && cleaning.returns == Returns::Exclude {
            let part = if quantity.mantissa < 0 { Part::Quantity } else { value_part };
            return Err(self.refuse(fields, part, Reason::ReturnExcluded));
        }
        let zero = value.mantissa == 0 || quantity.mantissa == 0;
        if zero && cleaning.zero_amount == ZeroAmount::Reject {
            let part = if value.mantissa == 0 { value_part } else { Part::Quantity };
            return Err(self.refuse(fields, part, Reason::ZeroAmount));
        }
        let beside = beside.or_else(|| carried[CURRENCY].as_deref().and_then(currency));
        if let Some(only) = &cleaning.currency {
            let column = carried[CURRENCY].as_deref();
            let other = match (column, beside) {
                (_, Some(name)) => currency(only) != Some(name),
                (Some(text), None) => !text.eq_ignore_ascii_case(only),
                (None, None) => false,
            };
            if other {
                let value = match column {
                    Some(text) => text.as_bytes(),
                    None => self.field(fields, value_part).unwrap_or_default(),
                };
                return Err(refused(Part::Currency, value.to_vec(), Reason::OtherCurrency));
            }
        }
        Ok(Accepted { customer, order, moment, is_return, quantity: units, amount, cost, carried, beside })
    }

    /// The money of a line: the part that gives it, its value, the currency beside it, and what it comes to.
    #[expect(clippy::type_complexity, reason = "four values that are used once, in one place")]
    fn value<'f>(
        &self,
        fields: &[&'f [u8]],
        quantity: Decimal,
    ) -> Result<(Part, Decimal, Option<&'static str>, Option<Money>), Refused<'f>> {
        if self.is_mapped(Part::Credit) {
            let credit = self.money_or_none(fields, Part::Credit)?;
            let amount = self.money_or_none(fields, Part::Amount)?;
            let some = |side: Option<(Decimal, Option<&'static str>)>| side.filter(|(d, _)| d.mantissa != 0);
            return match (some(amount), some(credit)) {
                (Some((amount, beside)), None) => Ok((Part::Amount, amount, beside, amount.money())),
                (None, Some((credit, beside))) => {
                    let back = Decimal { mantissa: -credit.mantissa.abs(), ..credit };
                    Ok((Part::Credit, back, beside, back.money()))
                }
                (Some((amount, beside)), Some((credit, _))) => {
                    let net = amount.money().zip(credit.money()).map(|(a, c)| Money(a.0 - c.0));
                    Ok((Part::Amount, amount, beside, net))
                }
                (None, None) => Ok((Part::Amount, Decimal::ZERO, None, Some(Money(0)))),
            };
        }
        match self.money(fields, Part::Amount)? {
            Some((amount, beside)) => Ok((Part::Amount, amount, beside, amount.money())),
            None => match self.money(fields, Part::Price)? {
                Some((price, beside)) => Ok((Part::Price, price, beside, quantity.times(price))),
                None => Err(refused(Part::Price, &b""[..], Reason::MissingNumber)),
            },
        }
    }

    fn is_cancelled<'f>(&self, fields: &[&'f [u8]], order: Option<&str>) -> Result<bool, Refused<'f>> {
        let prefix = &self.rules.cleaning.cancelled_prefix;
        let by_prefix = !prefix.is_empty() && order.is_some_and(|o| o.starts_with(prefix));
        let by_flag =
            self.text(fields, Part::Cancelled)?.is_some_and(|v| listed(&self.rules.patterns.cancelled, v));
        Ok(by_prefix || by_flag)
    }

    fn accept(&mut self, line: u64, a: &Accepted<'_>, fields: &[&[u8]], hash: u128) {
        let day = a.moment.day;
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
        for (nulls, value) in stats.nulls.iter_mut().zip(&a.carried) {
            *nulls += u64::from(value.is_none());
        }
        match (a.beside, &a.carried[CURRENCY]) {
            (Some(name), _) => stats.see_currency(name),
            (None, Some(text)) => stats.see_currency(text),
            (None, None) => {}
        }

        let lines = self.parsed.months.entry(self.last_month.1).or_insert_with(Lines::new);
        lines.customer.append_value(&a.customer);
        let order = composed(self.layout, a.order.as_deref(), fields, day)
            .unwrap_or_else(|| Cow::Owned(format!("{}:{line}", self.file_number)));
        if self.rules.by_order_line {
            let product = a.carried[PRODUCT].as_deref().unwrap_or("");
            lines.keys.push(order_line(&a.customer, &order, day, product, a.is_return));
        }
        lines.order.append_value(order);
        lines.date.append_value(day.0);
        lines.at.append_value(a.moment.micros);
        lines.is_return.append_value(a.is_return);
        lines.quantity.append_value(a.quantity.0);
        lines.amount.append_value(a.amount.0);
        if self.rules.mapped[Part::UnitCost as usize] {
            lines.cost.append_option(a.cost.map(|c| c.0));
        }
        for ((builder, part), value) in lines.carried.iter_mut().zip(CARRIED).zip(&a.carried) {
            if self.rules.mapped[part as usize] {
                builder.append_option(value.as_deref());
            }
        }
        lines.hashes.push(hash);
        lines.line_numbers.push(line);
    }
}

/// Whether a field stands for nothing: empty, or what pandas, SQL and spreadsheets write for it.
pub fn is_null(field: &[u8]) -> bool {
    matches!(
        field,
        b"" | b"nan"
            | b"NaN"
            | b"null"
            | b"NULL"
            | b"None"
            | b"<NA>"
            | b"\\N"
            | b"N/A"
            | b"n/a"
            | b"#N/A"
            | b"(null)"
            | b"(blank)"
    )
}

/// An order's number, with what it is its own only together with; `None` where rows have no number.
fn composed<'o>(layout: &Layout, order: Option<&'o str>, fields: &[&[u8]], day: Day) -> Option<Cow<'o, str>> {
    let order = order?;
    if layout.slots.within.is_empty() && layout.slots.within_file.is_none() {
        return Some(Cow::Borrowed(order));
    }
    let mut composed = order.to_owned();
    for at in &layout.slots.within {
        composed.push('/');
        if Some(*at) == layout.slots.part(Part::Date) {
            composed.push_str(&day.to_string());
        } else {
            let field = fields.get(*at).copied().unwrap_or_default();
            composed.push_str(&identity::id(&String::from_utf8_lossy(field)));
        }
    }
    if let Some(file) = &layout.slots.within_file {
        composed.push('/');
        composed.push_str(file);
    }
    Some(Cow::Owned(composed))
}

/// What a line of an order is known by in all files.
fn order_line(customer: &str, order: &str, day: Day, product: &str, is_return: bool) -> u128 {
    let (day, sign) = (day.0.to_le_bytes(), [u8::from(is_return)]);
    hash_fields(&[customer.as_bytes(), order.as_bytes(), &day, product.as_bytes(), &sign], 0x1f)
}

/// Dashes and words that stand for a number that is not there.
fn is_dash(field: &[u8]) -> bool {
    field.iter().all(|b| *b == b'-')
        || matches!(field, b"NA" | b"na" | b"none" | b"nil" | b"\xe2\x80\x93" | b"\xe2\x80\x94")
}

/// MySQL's date that is none.
fn is_zero_date(field: &[u8]) -> bool {
    field.len() >= 8 && field.iter().all(|b| matches!(b, b'0' | b'-' | b'/' | b'.' | b':' | b' '))
}
