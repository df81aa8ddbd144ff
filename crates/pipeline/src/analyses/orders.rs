//! Orders and what is in them, for the analyses that look at more than the customer table.

use std::path::Path;

use tillwise_mine::ledger::Ledger;
use tillwise_table::Table;

use crate::{NotDone, PipelineError};

/// The three tables that the engine writes for a [`tillwise_core::PurchasesRequest`].
pub struct Orders {
    orders: Table,
    purchases: Table,
    products: Table,
    net_returns: bool,
}

impl Orders {
    /// Reads them.
    pub fn read(folder: &Path, net_returns: bool) -> Result<Orders, PipelineError> {
        let table = |name: &str| Table::read(&folder.join(name));
        Ok(Orders {
            orders: table("orders.parquet")?,
            purchases: table("purchases.parquet")?,
            products: table("products.parquet")?,
            net_returns,
        })
    }

    /// Their columns.
    pub(crate) fn ledger(&self, customers: usize) -> Result<Ledger<'_>, NotDone> {
        let (o, p) = (&self.orders, &self.purchases);
        let ledger = Ledger {
            customers,
            products: self.products.rows(),
            order_customer: o.i32s("customer")?,
            order_day: o.i32s("order_date")?,
            order_sales: o.i32s("sales")?,
            order: p.i32s("order")?,
            product: p.i32s("product")?,
            sales: p.i32s("sales")?,
            units_e4: p.i64s("units_e4")?,
            gross_e4: p.i64s("gross_e4")?,
            returned_e4: p.i64s("returned_e4")?,
            cost_e4: p.i64s("cost_e4")?,
            returned_cost_e4: p.i64s("returned_cost_e4")?,
            uncosted: p.i32s("uncosted")?,
            net_returns: self.net_returns,
        };
        ledger.check()?;
        Ok(ledger)
    }

    /// Products by number.
    pub fn products(&self) -> Result<Vec<&str>, PipelineError> {
        Ok(self.products.texts("product")?)
    }

    /// Their names; empty without one.
    pub fn names(&self) -> Result<Vec<&str>, PipelineError> {
        Ok(self.products.texts("name")?)
    }

    /// Products as people read them: the name, and the code behind it.
    pub fn said(&self) -> Result<Vec<String>, PipelineError> {
        let said = |(code, name): (&str, &str)| {
            if name.is_empty() || name == code { code.to_owned() } else { format!("{name} ({code})") }
        };
        Ok(self.products()?.into_iter().zip(self.names()?).map(said).collect())
    }

    /// Their categories; empty without one.
    pub fn categories(&self) -> Result<Vec<&str>, PipelineError> {
        Ok(self.products.texts("category")?)
    }

    /// A text column of the orders; empty without one.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, PipelineError> {
        Ok(self.orders.texts(name)?)
    }
}

/// Why an analysis of products cannot be done without any.
pub fn no_products() -> NotDone {
    NotDone::Skipped("no line has a product; name its column: [columns] product".to_owned())
}
