//! Columns that nobody names alike: flags, states in many languages, units and discounts without a total, guests.

use super::*;

/// One row an order, with a column more.
fn flagged(lines: &[Line], column: &str, cell: impl Fn(&Line) -> String) -> Vec<u8> {
    file(&format!("order_id,customer_id,order_date,total,{column}"), lines, |l| {
        format!("{},{},{},{},{}", l.order, l.customer, l.date, money(l.amount()), cell(l))
    })
}

fn is_odd_one(l: &Line) -> bool {
    l.order % 17 == 3
}

#[test]
fn flags_leave_rows_out() {
    let orders = orders(&shop(1));
    let kept: Vec<Line> = orders.iter().filter(|l| !is_odd_one(l)).cloned().collect();
    let mut cases = Vec::new();
    for (name, yes, no) in [
        ("cancelled", "Y", "N"),
        ("is_voided", "1", "0"),
        ("Deleted", "true", "false"),
        ("draft", "yes", "no"),
        ("storniert", "ja", "nein"),
        ("Annulé", "oui", "non"),
        ("refunded", "1", "0"),
        ("is_returned", "yes", "no"),
        ("abandoned", "TRUE", "FALSE"),
        ("отменен", "да", "нет"),
    ] {
        let cell = |l: &Line| (if is_odd_one(l) { yes } else { no }).to_owned();
        cases.push(one(name, "a.csv", flagged(&orders, name, cell), &kept));
    }
    check(cases);
}

#[test]
fn states_in_many_languages_leave_rows_out() {
    let orders = orders(&shop(1));
    let kept: Vec<Line> = orders.iter().filter(|l| !is_odd_one(l)).cloned().collect();
    let mut cases = Vec::new();
    for (name, gone, sold) in [
        ("status", "キャンセル確定", "発送済み"),
        ("status", "ملغي", "مكتمل"),
        ("Sipariş Durumu", "İptal Edildi", "Teslim Edildi"),
        ("Status", "Makulerad", "Levererad"),
        ("trạng thái", "Đã hủy", "Hoàn thành"),
        ("สถานะ", "ยกเลิก", "สำเร็จ"),
        ("Статус", "Скасовано", "Виконано"),
        ("Stav", "Zrušeno", "Dokončeno"),
        ("Tila", "Peruutettu", "Toimitettu"),
        ("Κατάσταση", "Ακυρώθηκε", "Ολοκληρώθηκε"),
        ("Estado", "Fallida", "Completado"),
        ("État", "Erreur de paiement", "Payé"),
        ("Status", "Entwurf", "Bezahlt"),
        ("Stato", "Preventivo", "Pagato"),
    ] {
        let cell = |l: &Line| (if is_odd_one(l) { gone } else { sold }).to_owned();
        cases.push(one(gone, "a.csv", flagged(&orders, name, cell), &kept));
    }
    check(cases);
}

#[test]
fn guests_of_many_languages_are_no_customer() {
    let orders = orders(&shop(1));
    let walks_in = |l: &Line| l.order % 7 == 3;
    let kept: Vec<Line> = orders.iter().filter(|l| !walks_in(l)).cloned().collect();
    let guests = [
        "Público en general",
        "Розничный покупатель",
        "散客",
        "Counter Sales",
        "One-time customer",
        "Cliente mostrador",
        "Client comptoir",
        "Klient detaliczny",
        "مشتری متفرقه",
        "99999999",
    ];
    let case = |guest: &'static str| {
        let content = file("order_id,customer,order_date,total", &orders, |l| {
            let who = if walks_in(l) { guest.to_owned() } else { l.customer.to_string() };
            format!("{},{who},{},{}", l.order, l.date, money(l.amount()))
        });
        one(guest, "a.csv", content, &kept)
    };
    check(guests.map(case).into());
}

#[test]
fn units_prices_and_orders_have_many_names() {
    let lines = shop(1);
    let named = |name: &'static str, header: &str| one(name, "a.csv", file(header, &lines, plain), &lines);
    check(vec![
        named("qtà", "Cliente,Ordine,Data,Articolo,Qtà,Prezzo"),
        named("anz", "Kunde,Bestellung,Datum,Artikel,Anz.,Preis"),
        named("szt", "Klient,Zamówienie,Data,Produkt,Szt.,Cena"),
        named("шт", "Контрагент,Заказ,Дата,Товар,шт,Цена"),
        named("qté", "Client,Commande,Date,Article,Qté,PU HT"),
        named("folio", "Cliente,Folio,Fecha,Producto,Cantidad,Precio"),
        named("受注番号", "得意先コード,受注番号,受注日,商品コード,数量,単価"),
        named("an order by what it is", "customer,bon_x,date,sku,qty,price"),
    ]);
}

/// A void beside its sale takes it back, whether its money is turned or not.
#[test]
fn voids_take_their_sale_back() {
    let orders = orders(&shop(1));
    let kept: Vec<Line> = orders.iter().filter(|l| !is_odd_one(l)).cloned().collect();
    let case = |name: &'static str, sign: i64| {
        let mut text = "receipt,type,date,customer,amount\n".to_owned();
        for l in &orders {
            let _ = writeln!(text, "{},SALE,{},{},{}", l.order, l.date, l.customer, money(l.amount()));
            if is_odd_one(l) {
                let _ =
                    writeln!(text, "{},VOID,{},{},{}", l.order, l.date, l.customer, money(sign * l.amount()));
            }
        }
        // The voided receipt stays an order of nothing.
        let (customers, _, net, _) = truth(&kept);
        let (all, orders, _, last) = truth(&orders);
        assert!(customers <= all);
        Case { name, files: vec![("a.csv", text.into_bytes())], truth: (all, orders, net, last) }
    };
    check(vec![case("positive", 1), case("negative", -1)]);
}

/// Of what cannot be proven, the numbers are said to be in doubt.
#[test]
fn doubts_are_said() {
    let lines = shop(1);
    let orders = orders(&lines);
    let with = |header: &str, cell: &dyn Fn(&Line) -> String| {
        file(header, &lines, |l| format!("{},{}", plain(l), cell(l)))
    };
    let percent = |l: &Line| if l.order.is_multiple_of(3) { "10" } else { "0" }.to_owned();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("discount_pct", with(&format!("{PLAIN},discount_pct"), &percent)),
        ("Desc. %", with(&format!("{PLAIN},Desc. %"), &percent)),
        ("refunded_qty", with(&format!("{PLAIN},refunded_qty"), &|l| (l.order % 9 / 8).to_string())),
        (
            "phone",
            file("order_id,phone,order_date,total", &orders, |l| {
                let number = 159_455_000 + l.customer;
                let phone = if l.order % 3 == 0 { format!("+49 {number}") } else { format!("0{number}") };
                format!("{},{phone},{},{}", l.order, l.date, money(l.amount()))
            }),
        ),
        ("tip", flagged(&orders, "tip", |l| money(l.amount() / 10))),
        ("Overdue", flagged(&orders, "status", |l| if is_odd_one(l) { "Zzyzx" } else { "paid" }.to_owned())),
        ("Soll_Haben", flagged(&orders, "S/H", |l| if is_odd_one(l) { "H" } else { "S" }.to_owned())),
        ("NC", flagged(&orders, "Tipo doc", |l| if is_odd_one(l) { "QX" } else { "FT" }.to_owned())),
    ];
    for (name, content) in cases {
        let scene = Scene::new();
        scene.write("a.csv", content);
        let init = scene.tillwise(&["init", "a.csv"]);
        assert!(init.stdout.contains("UNSURE") || init.stdout.contains("FILL IN"), "{name}: {}", init.stdout);
    }
}

/// An order that a later download has as cancelled is no order; one that it has as paid is one.
#[test]
fn a_later_download_may_cancel_and_pay() {
    let lines = orders(&shop(1));
    let (early, late) = lines.split_at(300);
    let cancelled = |l: &Line| l.order % 17 == 3;
    // The first download does not know what became of the latest orders.
    let unpaid = |l: &Line| l.order % 17 == 5 && late.iter().any(|o| o.order == l.order);
    let kept: Vec<Line> = early.iter().chain(late.iter().filter(|l| !cancelled(l))).cloned().collect();
    let text = |of: &[Line], gone: &dyn Fn(&Line) -> bool| {
        flagged(of, "status", |l| if gone(l) { "cancelled" } else { "completed" }.to_owned())
    };
    let case = Case {
        name: "cancelled since",
        files: vec![("1.csv", text(&lines, &unpaid)), ("2.csv", text(late, &cancelled))],
        truth: truth(&kept),
    };
    check(vec![case]);
}

/// Receipts of each shop begin with 1: the file tells them apart.
#[test]
fn numbers_that_begin_anew_in_each_file() {
    let orders = orders(&shop(1));
    let files = ["berlin.csv", "bonn.csv", "munich.csv"].into_iter().enumerate().map(|(shop, name)| {
        let own = orders.iter().enumerate().filter(|(i, _)| i % 3 == shop).map(|(_, l)| l);
        let rows = own
            .enumerate()
            .map(|(i, l)| format!("{},{},{},{}\n", i + 1, l.date, l.customer, money(l.amount())));
        (name, format!("receipt,date,customer,total\n{}", rows.collect::<String>()).into_bytes())
    });
    check(vec![Case { name: "receipts", files: files.collect(), truth: truth(&orders) }]);
}

/// A config that is written into another folder names the files of a zip from there.
#[test]
fn a_zip_is_found_from_the_folder_of_the_config() {
    let scene = Scene::new();
    let orders = orders(&shop(1));
    let rows = |l: &Line| format!("{},{},{},{}", l.order, l.date, l.customer, money(l.amount()));
    let (early, late) = orders.split_at(100);
    let header = "receipt,date,customer,total";
    let (early, late) = (file(header, early, rows), file(header, late, rows));
    scene.write("in/orders.zip", super::layouts::zipped(&[("a.csv", &early), ("b.csv", &late)]));
    scene.write("etc/keep", Vec::new());
    assert_eq!(scene.tillwise(&["init", "in/orders.zip", "-o", "etc/tillwise.toml"]).code, 0);
    let run = scene.tillwise(&["run", "etc/tillwise.toml"]);
    assert!(run.stdout.contains(&format!("{} accepted", orders.len())), "{}{}", run.stdout, run.stderr);
}
