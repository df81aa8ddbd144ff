//! What columns mean: money, customers, states.

use std::fmt::Write as _;

use super::*;

#[test]
fn money_is_found_by_arithmetic_and_whole_words() {
    let lines = shop(1);
    let single = orders(&lines);
    let f = |name, header: &str, lines: &[Line], row: &dyn Fn(&Line) -> String| {
        one(name, "orders.csv", file(header, lines, row), lines)
    };
    let discounted: Vec<Line> =
        lines.iter().map(|l| Line { price: l.price - l.price / 5, quantity: 1, ..l.clone() }).collect();
    check(vec![
        Case {
            name: "a discount that is not yet off",
            files: vec![(
                "orders.csv",
                file(
                    "order_id,customer_id,order_date,sku,quantity,unit_price,discount_amount",
                    &lines,
                    |l| {
                        format!(
                            "{},{},{},S{},1,{},{}",
                            l.order,
                            l.customer,
                            l.date,
                            l.sku,
                            money(l.price),
                            money(l.price / 5)
                        )
                    },
                ),
            )],
            truth: truth(&discounted),
        },
        f(
            "account before price",
            "order_id,order_date,customer_id,account_id,price",
            &single,
            &row("{order},{date},{customer},70002,{price}"),
        ),
        f(
            "tax before the total",
            "Order ID,Customer ID,Order Date,Tax Amount,Shipping Amount,Grand Total",
            &single,
            &|l| {
                format!(
                    "{},{},{},{},4.90,{}",
                    l.order,
                    l.customer,
                    l.date,
                    money(l.price / 6),
                    money(l.price)
                )
            },
        ),
        f("points", "receipt,member_no,date,loyalty_value,basket", &single, &|l| {
            format!("{},{},{},{},{}", l.order, l.customer, l.date, l.price / 1000, money(l.price))
        }),
        f(
            "list price and sale price",
            "order_id,customer_id,order_date,sku,list price,sale price,qty",
            &lines,
            &|l| {
                format!(
                    "{},{},{},S{},{},{},{}",
                    l.order,
                    l.customer,
                    l.date,
                    l.sku,
                    money(2 * l.price),
                    money(l.price),
                    l.quantity
                )
            },
        ),
        f(
            "a total that is the line's",
            "order_id,customer_id,order_date,sku,quantity,total_price",
            &lines,
            &row("{order},{customer},{date},S{sku},{quantity},{amount}"),
        ),
        f(
            "an item price that is the line's",
            "order-id,buyer-email,purchase-date,sku,quantity-purchased,item-price,item-tax",
            &lines,
            &row("{order},b{customer}@example.org,{date},S{sku},{quantity},{amount},0.00"),
        ),
        f(
            "a number of the sale",
            "Sales Order,Customer,Order Date,Net Value",
            &single,
            &row("{order},{customer},{date},{price}"),
        ),
        f("a share of discount", "order_id,customer_id,order_date,discount_pct,revenue", &single, &|l| {
            format!("{},{},{},{},{}", l.order, l.customer, l.date, l.sku % 4 * 5, money(l.price))
        }),
        f(
            "German words",
            "Kundennummer;Rechnungsnummer;Rechnungsdatum;Artikelnummer;Menge;Einzelpreis",
            &lines,
            &|l| {
                format!(
                    "{};{};{};A{};{};{}",
                    l.customer,
                    l.order,
                    l.date.format("%d.%m.%Y"),
                    l.sku,
                    l.quantity,
                    money(l.price).replace('.', ",")
                )
            },
        ),
        f(
            "French words",
            "client;commande;date de commande;référence article;quantité;prix unitaire",
            &lines,
            &|l| {
                format!(
                    "{};{};{};R{};{};{}",
                    l.customer,
                    l.order,
                    l.date.format("%d/%m/%Y"),
                    l.sku,
                    l.quantity,
                    money(l.price).replace('.', ",")
                )
            },
        ),
        f(
            "Japanese words",
            "注文番号,注文日時,会員ID,商品番号,単価,個数,小計",
            &lines,
            &|l| {
                format!(
                    "{},{} {},{},P{},{},{},{}",
                    l.order,
                    l.date.format("%Y/%m/%d"),
                    l.time(),
                    l.customer,
                    l.sku,
                    money(l.price),
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f(
            "Persian words",
            "شماره سفارش,تاریخ سفارش,کد مشتری,کد کالا,تعداد,مبلغ کل",
            &lines,
            &|l| {
                format!(
                    "{},{},{},K{},{},{}",
                    l.order,
                    l.date.format("%Y/%m/%d"),
                    l.customer,
                    l.sku,
                    l.quantity,
                    money(l.amount())
                )
            },
        ),
        f("manager before company", "Account Manager,Company,Invoice,Date,Amount", &single, &|l| {
            format!(
                "{},Company {} Ltd,{},{},{}",
                ["Bo", "Ann"][l.sku as usize % 2],
                l.customer,
                l.order,
                l.date,
                money(l.price)
            )
        }),
        f(
            "status before number",
            "Customer ID,Order Status,Doc No,Date,Amount",
            &single,
            &row("{customer},Shipped,{order},{date},{price}"),
        ),
        f("born and changed", "customer_id,birth_date,order_id,purchased,updated_at,total", &single, &|l| {
            format!(
                "{},19{}-05-0{},{},{},2024-07-0{} 02:00:00,{}",
                l.customer,
                50 + l.customer % 49,
                1 + l.customer % 8,
                l.order,
                l.date,
                1 + l.sku % 4,
                money(l.price)
            )
        }),
        f(
            "items side by side",
            "order_id,customer_id,order_date,item1_qty,item1_price,item2_qty,item2_price,order_total",
            &single,
            &|l| {
                format!(
                    "{},{},{},1,{},1,1.00,{}",
                    l.order,
                    l.customer,
                    l.date,
                    money(l.price - 100),
                    money(l.price)
                )
            },
        ),
        f(
            "debit and credit",
            "customer_id,document,date,debit,credit",
            &single,
            &row("{customer},{order},{date},{price},"),
        ),
    ]);
}

#[test]
fn customers_are_told_apart_and_drawn_together() {
    let single = orders(&shop(1));
    let c = |name, id: &dyn Fn(&Line) -> String| {
        one(
            name,
            "orders.csv",
            file("customer,order_id,order_date,total", &single, |l| {
                format!("{},{},{},{}", id(l), l.order, l.date, money(l.price))
            }),
            &single,
        )
    };
    let some = |l: &Line| l.order.is_multiple_of(3);
    let known: Vec<&Line> = single.iter().filter(|l| l.order % 4 != 0).collect();
    let guests = |guest: &str| Case {
        name: "guests",
        files: vec![(
            "orders.csv",
            file("customer_id,order_id,order_date,total", &single, |l| {
                let id = if l.order % 4 == 0 { guest.to_owned() } else { l.customer.to_string() };
                format!("{id},{},{},{}", l.order, l.date, money(l.price))
            }),
        )],
        truth: truth(known.iter().copied()),
    };
    check(vec![
        c("capitals", &|l| if some(l) { format!("C{}X", l.customer) } else { format!("c{}x", l.customer) }),
        c("hard blanks", &|l| format!("C{}{}", l.customer, if some(l) { "\u{a0}" } else { "" })),
        c("nothing to see", &|l| format!("{}C{}", if some(l) { "\u{200b}" } else { "" }, l.customer)),
        c("composed letters", &|l| format!("{} {}", if some(l) { "Zoe\u{308}" } else { "Zoë" }, l.customer)),
        c("two letters of one look", &|l| format!("{} {}", if some(l) { "علي" } else { "علی" }, l.customer)),
        c("Persian digits", &|l| {
            if some(l) {
                persian(&l.customer.to_string())
            } else {
                l.customer.to_string()
            }
        }),
        c("thousands", &|l| {
            if some(l) {
                format!("\"{}\"", marked(i64::from(l.customer) * 100, ",", ".").trim_end_matches(".00"))
            } else {
                l.customer.to_string()
            }
        }),
        c("mail in capitals", &|l| {
            if some(l) {
                format!("C{}@Example.org", l.customer)
            } else {
                format!("c{}@example.org", l.customer)
            }
        }),
        c("two numbers with a point", &row("{customer}.16000{customer}")),
        guests("N/A"),
        guests("guest@example.org"),
        guests("Walk-in"),
        Case {
            name: "leading zeros lost in one file",
            files: ["2023.csv", "2024.csv"]
                .into_iter()
                .map(|name| {
                    let of: Vec<Line> = single
                        .iter()
                        .filter(|l| name.starts_with(&l.date.format("%Y").to_string()))
                        .cloned()
                        .collect();
                    (
                        name,
                        file("customer_id,order_id,order_date,total", &of, |l| {
                            let id = if name == "2023.csv" {
                                format!("{:08}", l.customer)
                            } else {
                                l.customer.to_string()
                            };
                            format!("{id},{},{},{}", l.order, l.date, money(l.price))
                        }),
                    )
                })
                .collect(),
            truth: truth(&single),
        },
        Case {
            name: "numbers that begin anew each day",
            files: vec![("orders.csv", {
                let mut rows = String::from("customer_id,receipt,date,amount\n");
                for day in single.chunk_by(|a, b| a.date == b.date) {
                    for (n, l) in day.iter().enumerate() {
                        let _ = writeln!(rows, "{},{},{},{}", l.customer, n + 1, l.date, money(l.price));
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&single),
        },
        one(
            "numbers of several stores",
            "orders.csv",
            file("store,customer_id,order_id,order_date,total", &single, |l| {
                format!(
                    "{},{},{},{},{}",
                    ["A", "B", "C"][l.order as usize % 3],
                    l.customer,
                    1000 + l.order / 3,
                    l.date,
                    money(l.price)
                )
            }),
            &single,
        ),
    ]);
}

#[test]
fn rows_that_are_no_sales() {
    let single = orders(&shop(1));
    let live =
        |keep: &dyn Fn(&Line) -> bool| single.iter().filter(|l| keep(l)).cloned().collect::<Vec<Line>>();
    let s = |name, header: &str, kept: Vec<Line>, row: &dyn Fn(&Line) -> String| Case {
        name,
        files: vec![("orders.csv", file(header, &single, row))],
        truth: truth(&kept),
    };
    let base = |l: &Line| format!("{},{},{},{}", l.order, l.customer, l.date, money(l.price));
    let tenth = |l: &Line| l.order.is_multiple_of(10);
    check(vec![
        s("cancelled", "order_id,customer_id,order_date,total,status", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "cancelled" } else { "completed" })
        }),
        s("failed payments", "id,Customer ID,Created (UTC),Amount,Status", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "Failed" } else { "Paid" })
        }),
        s(
            "the moment of a cancellation",
            "order_id,customer_id,created_at,total,cancelled_at",
            live(&|l| !tenth(l)),
            &|l| {
                format!(
                    "{},{}",
                    base(l),
                    if tenth(l) { format!("{} 23:00:00", l.date) } else { String::new() }
                )
            },
        ),
        s("tests", "order_id,customer_id,order_date,total,test", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), tenth(l))
        }),
        s("in Persian", "order_id,customer_id,order_date,total,وضعیت", live(&|l| !tenth(l)), &|l| {
            format!("{},{}", base(l), if tenth(l) { "لغو شده" } else { "تکمیل شده" })
        }),
        Case {
            name: "views and purchases",
            files: vec![("events.csv", {
                let mut rows = "event_time,event_type,product_id,price,user_id,user_session\n".to_owned();
                for l in &single {
                    for (n, kind) in ["view", "view", "cart", "purchase"].into_iter().enumerate() {
                        let _ = writeln!(
                            rows,
                            "{} 10:0{n}:00 UTC,{kind},{},{},{},s-{}",
                            l.date,
                            l.sku,
                            money(l.price),
                            l.customer,
                            l.order
                        );
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&single),
        },
        Case {
            name: "refunds of a kind",
            files: vec![("orders.csv", {
                let mut rows = "order_id,customer_id,order_date,total,transaction_type\n".to_owned();
                for l in &single {
                    let _ = writeln!(rows, "{},sale", base(l));
                    if tenth(l) {
                        let _ = writeln!(rows, "{},refund", base(l));
                    }
                }
                rows.into_bytes()
            })],
            truth: {
                let t = truth(&single);
                (t.0, t.1, t.2 - single.iter().filter(|l| tenth(l)).map(|l| l.price).sum::<i64>(), t.3)
            },
        },
        Case {
            name: "blank below an order's first row",
            files: vec![("orders.csv", {
                let mut rows =
                    "Name,Email,Created at,Lineitem quantity,Lineitem name,Lineitem price\n".to_owned();
                for of in shop(1).chunk_by(|a, b| a.order == b.order) {
                    for (n, l) in of.iter().enumerate() {
                        let (mail, day) = if n == 0 {
                            (format!("c{}@example.org", l.customer), l.date.to_string())
                        } else {
                            Default::default()
                        };
                        let _ = writeln!(
                            rows,
                            "#{},{mail},{day},{},Bowl {},{}",
                            l.order,
                            l.quantity,
                            l.sku,
                            money(l.price)
                        );
                    }
                }
                rows.into_bytes()
            })],
            truth: truth(&shop(1)),
        },
    ]);
}
