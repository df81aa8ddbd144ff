//! The parts that the columns of an export play.

/// The parts that a column can play, in the order of [`PARTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Customer,
    Order,
    Date,
    Product,
    ProductName,
    Quantity,
    Price,
    Amount,
    Discount,
    Tax,
    Shipping,
    Refunded,
    Credit,
    Category,
    Country,
    Channel,
    Store,
    Currency,
    UnitCost,
    Cancelled,
    Status,
}

/// Every part and its key in the config's `[columns]`.
pub const PARTS: [(Part, &str); 21] = [
    (Part::Customer, "customer"),
    (Part::Order, "order"),
    (Part::Date, "date"),
    (Part::Product, "product"),
    (Part::ProductName, "product_name"),
    (Part::Quantity, "quantity"),
    (Part::Price, "price"),
    (Part::Amount, "amount"),
    (Part::Discount, "discount"),
    (Part::Tax, "tax"),
    (Part::Shipping, "shipping"),
    (Part::Refunded, "refunded"),
    (Part::Credit, "credit"),
    (Part::Category, "category"),
    (Part::Country, "country"),
    (Part::Channel, "channel"),
    (Part::Store, "store"),
    (Part::Currency, "currency"),
    (Part::UnitCost, "unit_cost"),
    (Part::Cancelled, "cancelled"),
    (Part::Status, "status"),
];

impl Part {
    /// Its key in the config's `[columns]`; carried columns have the same name among the transactions.
    pub fn key(self) -> &'static str {
        PARTS[self as usize].1
    }
}

/// The text columns that are carried on as they are.
pub const CARRIED: [Part; 7] = [
    Part::Product,
    Part::ProductName,
    Part::Category,
    Part::Country,
    Part::Channel,
    Part::Store,
    Part::Currency,
];

/// The place of the product among them.
pub const PRODUCT: usize = carried_at(Part::Product);
/// The place of the currency.
pub const CURRENCY: usize = carried_at(Part::Currency);

/// The place of a part among those that are carried on.
const fn carried_at(part: Part) -> usize {
    let mut at = 0;
    while CARRIED[at] as usize != part as usize {
        at += 1;
    }
    at
}

/// What is taken off the money of a line, where a column has it.
pub const OFF: [Part; 4] = [Part::Discount, Part::Tax, Part::Shipping, Part::Refunded];
