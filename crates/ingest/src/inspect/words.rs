//! What names of columns and values of states say, in the languages of exports.

use crate::identity::lower;

/// Words by how much they say for a part. `~` before a word finds it within longer ones, as German builds them.
pub type Lexicon = &'static [(i32, &'static [&'static str])];

/// What speaks for a part and what speaks against it.
pub struct Part {
    pub words: Lexicon,
    /// Words that make a number, a code or an address of what the others name.
    pub with: Lexicon,
    pub against: &'static [&'static str],
}

const ID: Lexicon = &[
    (
        3,
        &[
            "id", "no", "nr", "num", "number", "code", "uuid", "guid", "#", "email", "mail", "~nummer",
            "numero", "número", "numéro", "codigo", "código", "codice", "kod", "номер", "код", "番号",
            "编号", "شماره", "کد", "شناسه", "번호",
        ],
    ),
    (2, &["ids", "key", "ref", "reference", "unique", "号"]),
    (1, &["mobile", "phone", "موبایل"]),
    (0, &["pseudo"]),
    (-1, &["名"]),
    (-2, &["name", "نام"]),
];

pub const CUSTOMER: Part = Part {
    words: &[
        (
            7,
            &[
                "customer",
                "cust",
                "sold to",
                "~kunde",
                "cliente",
                "~klant",
                "~klient",
                "~клиент",
                "~müşteri",
                "musteri",
                "会員",
                "顧客",
                "客户",
                "客戶",
                "买家",
                "買家",
                "会员",
                "고객",
                "مشتری",
                "عميل",
                "pelanggan",
                "контрагент",
                "kundnr",
                "debitornr",
                "debitor",
                "得意先",
                "取引先",
                "cari",
                "alıcı",
                "alici",
                "العميل",
                "زبون",
                "πελάτης",
                "πελάτη",
                "khách hàng",
                "ลูกค้า",
                "zákazník",
                "asiakas",
                "kund",
            ],
        ),
        (
            6,
            &[
                "client",
                "loyalty card",
                "loyalty number",
                "tessera",
                "patron",
                "guest id",
                "party name",
                "party",
                "e posta",
                "eposta",
                "buyer",
                "shopper",
                "member",
                "user",
                "patient",
                "donor",
                "subscriber",
                "purchaser",
                "~käufer",
                "clienti",
                "comprador",
                "acquirente",
                "acheteur",
                "~asiaka",
                "~vevő",
                "~zákazník",
                "~покупател",
                "구매자",
                "خریدار",
            ],
        ),
        (5, &["customers", "consumer", "email", "e mail", "~besteller", "~kontrahent", "注文者"]),
        (4, &["bill to", "mail", "household"]),
        (3, &["contact", "account", "company", "phone", "mobile", "visitor", "guest"]),
        (2, &["party"]),
        (1, &["billing name"]),
    ],
    with: ID,
    against: &[
        "country", "city", "state", "zip", "postal", "postcode", "region", "type", "segment", "group",
        "since", "age", "gender", "sex", "birth", "date", "status", "note", "notes", "comment", "address",
        "street", "manager", "rep", "agent", "staff", "employee", "seller", "salesperson", "count", "tags",
        "language", "category", "class", "level", "tier", "rating", "lifetime", "total", "amount", "value",
        "price", "fee", "territory", "vat", "tax", "marketing", "consent", "merchant", "order", "orders",
        "货款", "金额", "支付", "应付", "地址", "留言", "province", "facility", "description", "title",
        "discount", "session", "agent", "ship", "shipping", "recipient", "delivery", "payment", "currency",
        "method", "created", "bank", "~konto", "~adresse", "ort", "land", "~gruppe", "ciudad", "pais",
        "país", "vendor", "supplier", "points", "fax", "شهر", "استان", "آدرس",
    ],
};

pub const ORDER: Part = Part {
    words: &[
        (8, &["orderid", "invoiceno"]),
        (
            7,
            &[
                "order", "invoice", "billing document", "~bestell", "~auftrag", "~rechnung", "pedido",
                "factura", "orden", "commande", "facture", "ordine", "fattura", "~zamówieni", "~faktur",
                "~заказ", "sipariş", "siparis", "fatura", "~objednáv", "~rendelés", "注文", "訂單", "订单",
                "주문", "سفارش", "فاکتور", "pesanan",
            ],
        ),
        (
            6,
            &[
                "receipt", "~beleg", "scontrino", "encomenda", "~tilaus", "伝票", "طلب", "受注", "单据",
                "小票", "單據", "nota fiscal", "فاتورة", "الفاتورة", "bestelnr", "bestelnummer", "ordrenr",
                "ordernr", "folio",
            ],
        ),
        (
            5,
            &[
                "bill",
                "document",
                "doc",
                "transaction",
                "txn",
                "ticket",
                "booking",
                "merchant reference",
                "trx",
                "trn",
                "~paragon",
                "~чек",
                "~накладн",
                "fiş",
            ],
        ),
        (4, &["trans", "basket", "~transaktion"]),
        (3, &["sale", "checkout", "~bon", "~vorgang"]),
        (2, &["purchase", "sales", "charge", "voucher", "check", "cart"]),
        (1, &["session", "payment", "psp", "num", "numéro", "numero", "número", "номер"]),
    ],
    with: ID,
    against: &[
        "date", "status", "note", "notes", "total", "amount", "type", "channel", "source", "priority",
        "state", "currency", "time", "quantity", "qty", "price", "value", "count", "sum", "item", "line",
        "shipping", "tax", "discount", "subtotal", "region", "method", "level", "refund", "fee", "customer",
        "product", "city", "country", "day", "month", "year", "created", "paid", "purpose", "items",
        "weight", "category", "descriptor", "~datum", "~status", "~wert", "~summe", "~betrag", "~menge",
        "تاریخ", "مبلغ", "وضعیت", "日時", "時間", "时间", "状态", "金额", "合計", "日期", "者",
    ],
};

pub const DATE: Part = Part {
    words: &[
        (6, &["日時", "日期", "注文日", "تاریخ"]),
        (
            5,
            &[
                "date", "datetime", "purchased", "sold", "ordered", "placed", "~datum", "fecha", "data",
                "date de", "~дата", "tarih", "날짜", "일자", "tanggal", "dátum",
            ],
        ),
        (4, &["timestamp", "created", "päivä", "时间", "创建", "下单", "~dato"]),
        (
            3,
            &[
                "ts", "day", "order", "invoice", "purchase", "transaction", "sale", "posting", "when",
                "~bestell", "~kauf", "dia", "創建",
            ],
        ),
        (2, &["time", "billing", "booking", "event", "visit", "~rechnung", "~beleg"]),
        (1, &["at", "paid", "payment", "~zeit"]),
        (0, &["on"]),
    ],
    with: &[],
    against: &[
        "birth", "birthday", "dob", "born", "ship", "shipped", "shipping", "dispatch", "dispatched",
        "delivery", "delivered", "due", "updated", "modified", "update", "cancelled", "canceled", "cancel",
        "expiry", "expires", "expiration", "valid", "start", "end", "registered", "registration", "signup",
        "since", "last", "estimated", "approved", "limit", "return", "returned", "refund", "refunded",
        "fulfilled", "zone", "settlement", "payout", "lead", "carrier", "received", "closed", "arrival",
        "available", "exported", "geburt", "~geburt", "~liefer", "~fällig", "~versand", "entrega",
        "livraison", "consegna", "付款", "发货", "تولد", "ارسال", "تحویل",
    ],
};

pub const PRODUCT: Part = Part {
    words: &[
        (9, &["sku", "stock code", "stockcode"]),
        (7, &["isbn", "plu", "~артикул"]),
        (
            6,
            &[
                "product", "article", "material", "asin", "ean", "upc", "gtin", "~artikel", "~produkt",
                "producto", "artículo", "articulo", "produit", "prodotto", "articolo", "produto", "~товар",
                "ürün", "urun", "~tuote", "商品", "货号", "품목", "상품", "کالا", "محصول", "barang", "produk",
            ],
        ),
        (5, &["item", "barcode", "goods", "~vare", "宝贝"]),
        (4, &["variant", "merchandise", "listing"]),
        (3, &["style", "model"]),
        (2, &["part", "title", "~ware"]),
    ],
    with: &[
        (4, &["code"]),
        (
            3,
            &[
                "id", "no", "nr", "number", "sku", "~nummer", "番号", "编号", "کد", "شناسه", "номер", "код",
                "codigo", "código",
            ],
        ),
        (
            -3,
            &[
                "name", "title", "description", "desc", "~bezeichnung", "~name", "名", "标题", "نام",
                "nombre", "nom", "nome",
            ],
        ),
        (-20, &["قیمت"]),
    ],
    against: &[
        "category", "categories", "type", "line", "group", "count", "quantity", "qty", "price", "total",
        "cost", "weight", "status", "condition", "size", "color", "colour", "image", "url", "requires",
        "taxable", "discount", "#", "amount", "tax", "value", "sales", "order", "family", "brand", "margin",
        "subtotal", "compare", "fulfillment", "数", "价格", "金额", "单价", "種類", "分类", "تعداد", "kinds",
        "种类", "mehrwert", "~gruppe", "~kategorie", "~preis", "~menge", "refund", "promotion", "collected",
    ],
};

pub const PRODUCT_NAME: Part = Part {
    words: &[
        (
            9,
            &[
                "product name",
                "item name",
                "lineitem name",
                "product title",
                "商品名",
                "宝贝标题",
                "商品名称",
                "نام کالا",
                "نام محصول",
            ],
        ),
        (
            8,
            &[
                "item title",
                "product description",
                "item description",
                "article name",
                "~artikelname",
                "~produktname",
                "наименование",
                "ürün adı",
            ],
        ),
        (6, &["~bezeichnung"]),
        (5, &["description", "descripción"]),
        (4, &["product", "item", "desc", "title", "~beschreibung"]),
        (3, &["goods"]),
        (2, &["nombre"]),
    ],
    with: &[],
    against: &[
        "id", "code", "no", "number", "sku", "category", "type", "price", "quantity", "qty", "total",
        "order", "customer", "status", "discount", "meta", "tax", "amount", "line", "group", "کد", "count",
        "cost", "value",
    ],
};

pub const QUANTITY: Part = Part {
    words: &[
        (9, &["quantity", "qty"]),
        (
            8,
            &[
                "units sold", "qnty", "~menge", "cantidad", "quantité", "quantite", "qté", "qte", "quantità",
                "quantita", "qta", "quantidade", "qtd", "~ilość", "ilosc", "mennyiség", "数量", "個数",
                "수량", "تعداد", "الكمية",
            ],
        ),
        (7, &["unit sold", "pcs", "pieces", "~anzahl", "unidades", "aantal", "adet", "miktar", "množství"]),
        (
            6,
            &[
                "units", "quant", "qté", "pcs", "unidad", "~stück", "stk", "stck", "cant", "uds", "~кол",
                "antal", "antall", "määrä", "مقدار", "qtà", "anz", "szt", "шт", "ks", "kpl", "jml", "الكمية",
                "كمية", "ποσότητα", "số lượng", "จำนวน", "sl", "db", "kom",
            ],
        ),
        (5, &["jumlah"]),
        (4, &["件数"]),
        (3, &["number of", "count"]),
        (2, &["volume", "items"]),
    ],
    with: &[],
    against: &[
        "price", "value", "stock", "hand", "available", "customers", "orders", "transactions", "min", "max",
        "returned", "refunded", "account", "discount", "country", "id", "cost", "amount", "sales",
        "category", "unit price", "kinds", "种类", "name", "code", "revenue", "tax", "shipped", "cancelled",
        "canceled", "weight", "days", "views", "reviews", "points", "order",
    ],
};

pub const PRICE: Part = Part {
    words: &[
        (9, &["unit price", "price each", "~einzelpreis", "~stückpreis", "単価", "单价"]),
        (8, &["price per", "sale price", "selling price", "lineitem price", "단가"]),
        (7, &["item price", "net price"]),
        (
            6,
            &[
                "price", "vk", "puht", "pu ht", "pu", "p u", "đơn giá", "τιμή", "ราคา", "~preis", "precio",
                "prix", "prezzo", "preço", "preco", "prijs", "~cena", "~цена", "fiyat", "hinta", "pris",
                "价格", "価格", "가격", "قیمت", "harga", "السعر",
            ],
        ),
        (3, &["فی"]),
        (2, &["item cost"]),
        (1, &["unit cost", "rate"]),
    ],
    with: &[],
    against: &[
        "list", "compare", "original", "regular", "msrp", "rrp", "catalog", "before", "old", "uvp", "total",
        "tax", "discount", "shipping", "point", "category", "currency", "name", "vat", "retail", "~listen",
        "~einkauf", "~gesamt", "purchase", "id", "exchange", "commission", "type", "converted", "gift",
        "قبل", "کل", "range", "level", "book",
    ],
};

pub const AMOUNT: Part = Part {
    words: &[
        (10, &["line total"]),
        (
            9,
            &[
                "item total", "net amount", "net sales", "net value", "net revenue", "line amount",
                "extended price", "purchase revenue", "小計",
            ],
        ),
        (
            8,
            &[
                "item subtotal", "revenue", "paid amount", "grand total", "~umsatz", "~выручка", "売上",
                "实际支付", "實付", "매출",
            ],
        ),
        (
            7,
            &[
                "amount", "total price", "total amount", "amount paid", "total paid", "turnover", "~betrag",
                "importe", "monto", "montant", "importo", "bedrag", "omzet", "~kwota", "~сумма", "tutar",
                "ciro", "belopp", "beløb", "částka", "összeg", "合計", "金額", "总金额", "금액", "مبلغ",
                "المبلغ",
            ],
        ),
        (
            6,
            &[
                "sales", "order total", "order value", "total", "gross amount", "gross sales", "spend",
                "spent", "donation", "~gesamt", "~summe", "~brutto", "ventas", "chiffre", "totale", "totaal",
                "wartość", "toplam", "summa", "celkem", "金额",
            ],
        ),
        (
            5,
            &[
                "extended", "subtotal", "sub total", "sum", "net", "payment value", "~netto", "valor",
                "razem", "جمع", "فروش",
            ],
        ),
        (4, &["sale", "value", "gross", "paid", "payment", "~wert", "应付货款", "jumlah"]),
        (3, &["collected", "basket", "dollar", "charge", "price"]),
        (1, &["cost"]),
        (0, &["ltd"]),
    ],
    with: &[
        (0, &["usd", "eur", "base", "order"]),
        (-4, &["converted", "original"]),
        (-6, &["unit"]),
        (-9, &["average", "avg"]),
        (-20, &["cumulative"]),
    ],
    against: &[
        "tax", "taxes", "vat", "gst", "hst", "iva", "tva", "mwst", "ust", "steuer", "~steuer", "discount",
        "discounts", "rabatt", "~rabatt", "coupon", "voucher", "shipping", "freight", "delivery", "versand",
        "~versand", "postage", "handling", "fee", "fees", "entgelt", "~gebühr", "commission", "points",
        "loyalty", "gift", "card", "id", "number", "refund", "refunded", "refunds", "profit", "margin",
        "income", "tip", "balance", "guthaben", "pct", "percent", "percentage", "%", "rate", "ratio",
        "weight", "rating", "score", "stock", "lifetime", "limit", "list", "compare", "outstanding", "due",
        "cash", "tender", "cogs", "count", "quantity", "qty", "items", "date", "status", "type", "code",
        "rank", "year", "month", "age", "orders", "saved", "savings", "deposit", "exchange", "surcharge",
        "service", "charges", "customer", "تعداد", "تخفیف", "مالیات", "数", "customers", "visits",
        "installments", "credit", "debit", "event", "category", "channel", "point", "seq", "sequential",
        "zip", "phone", "tip", "duty", "insurance", "wrap", "name", "payment type", "method", "time",
    ],
};

pub const DISCOUNT: Part = Part {
    words: &[
        (
            8,
            &[
                "discount", "discounts", "~rabatt", "descuento", "remise", "sconto", "desconto", "korting",
                "indirim", "~скидк", "割引", "تخفیف",
            ],
        ),
        (7, &["rebate", "优惠"]),
        (6, &["markdown"]),
        (4, &["promo", "allowance"]),
    ],
    with: &[(2, &["amount", "line", "lineitem", "item"]), (1, &["value"]), (0, &["total"])],
    against: &[
        "code", "pct", "percent", "percentage", "%", "rate", "shipping", "tax", "type", "name", "id",
        "reason", "cart", "order", "before", "after", "discounted",
    ],
};

pub const REFUNDED: Part = Part {
    words: &[
        (9, &["amount refunded", "refunded amount", "total refunded"]),
        (8, &["refunded"]),
        (7, &["refund", "refunds", "~erstatt", "reembolso", "remboursement", "退款"]),
    ],
    with: &[(2, &["amount"]), (1, &["total"]), (-4, &["converted"])],
    against: &["status", "reason", "date", "at", "id", "tax", "shipping", "quantity", "qty", "type", "name"],
};

pub const DEBIT: Part = Part {
    words: &[
        (8, &["debit", "débit", "بدهکار"]),
        (7, &["debe", "borç", "debet", "~дебет"]),
        (6, &["~soll", "dare"]),
        (5, &["dr"]),
    ],
    with: &[(2, &["gross"]), (-1, &["net"])],
    against: &["card", "account", "id", "name", "type"],
};

pub const CREDIT: Part = Part {
    words: &[
        (8, &["credit", "crédit", "بستانکار"]),
        (7, &["haber", "alacak", "~кредит", "kredit"]),
        (6, &["~haben", "avere"]),
        (5, &["cr"]),
    ],
    with: &[(2, &["gross"]), (-1, &["net"])],
    against: &["card", "account", "id", "name", "type", "limit", "score", "store"],
};

pub const UNIT_COST: Part = Part {
    words: &[
        (9, &["unit cost", "cost price", "~einkaufspreis", "~einstandspreis"]),
        (8, &["cost per"]),
        (7, &["purchase price", "landed cost", "standard cost", "原価", "成本", "بهای تمام"]),
        (6, &["cogs", "coste", "coût", "costo"]),
        (4, &["cost"]),
    ],
    with: &[],
    against: &[
        "shipping", "total", "item cost", "delivery", "freight", "center", "centre", "order", "acquisition",
        "code",
    ],
};

pub const CATEGORY: Part = Part {
    words: &[
        (9, &["product category"]),
        (8, &["~warengruppe"]),
        (
            7,
            &[
                "category",
                "product line",
                "product group",
                "category code",
                "~kategorie",
                "categoría",
                "categoria",
                "catégorie",
                "~категор",
                "kategori",
                "カテゴリ",
                "分类",
                "类目",
                "دسته",
                "گروه کالا",
            ],
        ),
        (6, &["department", "rubro"]),
        (5, &["product type"]),
        (4, &["family"]),
        (2, &["class"]),
    ],
    with: &[(-1, &["id"]), (-2, &["sub"])],
    against: &["customer", "price", "tax", "age", "shipping", "payment"],
};

pub const COUNTRY: Part = Part {
    words: &[
        (7, &["country", "país", "pais", "pays", "paese", "ülke", "~стран", "국가", "کشور", "negara"]),
        (5, &["nation", "land", "maa"]),
        (4, &["国"]),
        (1, &["market"]),
    ],
    with: &[(1, &["billing"]), (0, &["code"]), (-1, &["ship", "shipping"])],
    against: &["phone", "tax", "place", "currency"],
};

pub const CHANNEL: Part = Part {
    words: &[
        (9, &["sales channel"]),
        (8, &["~vertriebskanal"]),
        (7, &["channel", "kanal", "canal", "کانال", "渠道", "チャネル"]),
        (4, &["source", "platform"]),
        (3, &["medium"]),
        (2, &["device category"]),
    ],
    with: &[],
    against: &["state", "status", "id", "name of", "traffic", "url", "fulfillment", "fulfilment", "cost"],
};

pub const STORE: Part = Part {
    words: &[
        (
            7,
            &[
                "store", "~filiale", "tienda", "sucursal", "magasin", "negozio", "loja", "~sklep",
                "~магазин", "mağaza", "şube", "店舗", "门店", "店铺", "매장", "فروشگاه", "شعبه", "toko",
            ],
        ),
        (6, &["shop", "branch", "outlet", "boutique"]),
        (4, &["location", "purchase point"]),
        (2, &["pos", "till"]),
    ],
    with: &[(1, &["id", "code", "no"]), (0, &["name"])],
    against: &["credit", "type", "size", "restore"],
};

pub const CURRENCY: Part = Part {
    words: &[
        (
            8,
            &[
                "currency", "~währung", "moneda", "devise", "valuta", "para birimi", "~валют", "通貨",
                "币种", "통화", "mata uang",
            ],
        ),
        (7, &["curr", "ارز"]),
    ],
    with: &[(1, &["gross"]), (-1, &["net", "original"]), (-3, &["converted"])],
    against: &["rate", "exchange", "amount"],
};

pub const STATUS: Part = Part {
    words: &[
        (9, &["order status", "financial status"]),
        (
            7,
            &[
                "status",
                "transaction type",
                "is test",
                "statut",
                "~статус",
                "durum",
                "状态",
                "ステータス",
                "상태",
                "وضعیت",
                "حالة",
                "الحالة",
                "สถานะ",
                "trạng thái",
                "stav",
                "~állapot",
                "tila",
                "κατάσταση",
                "état",
                "etat",
                "situação",
                "situacao",
                "estatus",
                "~состояни",
                "durumu",
                "statüsü",
                "statü",
            ],
        ),
        (6, &["event type", "event name", "~vorgangsart", "~belegart", "estado", "stato"]),
        (5, &["state", "test"]),
        (4, &["event", "حالت"]),
        (3, &["type", "kind"]),
    ],
    with: &[
        (0, &["payment"]),
        (-2, &["item"]),
        (-3, &["fulfillment"]),
        (-9, &["customer", "stock"]),
        (-20, &["marital"]),
    ],
    against: &[
        "card", "product", "address", "phone", "province", "category", "united", "payment type",
        "payment method", "method", "tender", "device",
    ],
};

/// Beginnings of names of columns of yes and no: the row is no sale.
pub const FLAGS_NO_SALE: &[&str] = &[
    "cancel", "void", "delet", "storn", "annul", "anul", "draft", "abandon", "fail", "entwurf", "geannul",
    "gelösch", "supprim", "elimin", "borrad", "quote", "declin", "reject", "fraud", "spam", "отмен", "удал",
    "iptal", "لغو", "ملغ", "キャンセル", "取消", "作废", "취소", "zruš", "makul", "αku", "ακυρ", "annulé",
    "test",
];
/// ... its money was given back.
pub const FLAGS_BACK: &[&str] = &[
    "refund", "return", "retour", "reembols", "rembours", "rimbors", "iade", "zwrot", "chargeback",
    "erstatt", "возвра", "مرجوع", "مرتجع", "返品", "返金", "退货", "退款", "반품", "환불",
];
/// Beginnings of names of discounts, in money or percent.
pub const DISCOUNTS: &[&str] = &[
    "discount", "disc", "rabatt", "remise", "descuento", "dto", "sconto", "desconto", "korting", "indirim",
    "i̇ndirim", "скидк", "割引", "折扣", "تخفیف", "خصم", "rebate", "markdown", "nachlass",
];
/// Beginnings of names of what is paid on top for service.
pub const TIPS: &[&str] = &[
    "tip", "tips", "gratuit", "trinkgeld", "pourboire", "propina", "mancia", "gorjeta", "fooi", "чаев",
    "bahşiş", "انعام",
];
/// Beginnings of names of taxes.
pub const TAXES: &[&str] = &[
    "tax", "vat", "mwst", "ust", "tva", "iva", "btw", "kdv", "gst", "moms", "ндс", "ضريبة", "مالیات", "税",
    "margin",
];
/// Names of columns that say what kind of document a row is.
pub const TYPES: &[&str] = &[
    "type", "kind", "doctype", "belegart", "dokumentart", "vorgang", "tipo", "typ", "soort", "тип", "tür",
    "türü", "نوع", "種別", "类型", "유형",
];
/// Whole numbers under these names are no units.
pub const NOT_UNITS: &[&str] = &[
    "id", "no", "nr", "number", "num", "line", "position", "pos", "row", "age", "day", "month", "year",
    "week", "hour", "rating", "stars", "points", "score", "stock", "page", "level", "grade", "rank",
    "installments", "installment", "discount", "disc", "rabatt", "pct", "percent", "%", "tax", "vat", "mwst",
    "tva", "iva", "store", "shop", "till", "register", "terminal", "table", "guests", "covers", "visits",
    "children", "floor", "zone", "region", "cashier", "employee", "weekday", "quarter", "shipping", "fee",
    "tip", "cost", "zip", "code", "step", "version", "days", "weight", "size", "customer", "order",
    "invoice", "product", "category", "currency",
];

/// Whether a cell says yes or no.
pub fn truth(value: &str) -> Option<bool> {
    const YES: &[&str] = &[
        "true", "t", "1", "yes", "y", "ja", "j", "oui", "o", "si", "sí", "sì", "s", "sim", "да", "evet", "e",
        "tak", "x", "✓", "✔", "vrai", "wahr", "verdadero", "vero", "はい", "是", "예", "بله", "نعم", "kyllä",
        "ano", "igen", "waar", "prawda", "ναι", "1.0",
    ];
    const NO: &[&str] = &[
        "false", "f", "0", "no", "n", "nein", "non", "não", "nao", "нет", "hayır", "h", "nie", "faux",
        "falsch", "falso", "いいえ", "否", "아니오", "خیر", "لا", "ei", "ne", "nem", "nee", "onwaar", "fałsz",
        "όχι", "0.0", "nej", "nei",
    ];
    let value = value.trim().to_lowercase();
    match (YES.contains(&value.as_str()), NO.contains(&value.as_str())) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// Names of columns that sum up a customer's orders: what is counted, with a word for counting beside it.
pub const ORDERS: &[&str] = &[
    "orders", "purchases", "transactions", "invoices", "visits", "bookings", "payments", "tickets",
    "bestellungen", "käufe", "commandes", "achats", "pedidos", "compras", "ordini", "acquisti",
    "bestellingen", "zamówień", "zamówienia", "заказов", "заказы", "siparişler", "سفارشات", "سفارش", "خرید",
    "订单", "注文", "주문",
];
/// Words for counting.
pub const COUNTS: &[&str] = &[
    "number",
    "num",
    "no",
    "nr",
    "n",
    "count",
    "cnt",
    "total",
    "anzahl",
    "nombre",
    "nb",
    "número",
    "numero",
    "cantidad",
    "numero",
    "aantal",
    "liczba",
    "ilość",
    "число",
    "количество",
    "sayısı",
    "تعداد",
    "数",
    "数量",
    "#",
];
/// ... or that alone.
pub const FREQUENCY: &[&str] =
    &["frequency", "häufigkeit", "fréquence", "frecuencia", "frequenza", "частота"];
/// Silence since the last order.
pub const RECENCY: &[&str] = &["recency"];
/// Which order.
pub const LAST_OR_FIRST: &[&str] = &[
    "last",
    "first",
    "latest",
    "letzte",
    "erste",
    "dernière",
    "première",
    "última",
    "primera",
    "ultimo",
    "primo",
    "laatste",
    "eerste",
    "ostatnie",
    "pierwsze",
    "последний",
    "первый",
    "آخرین",
    "اولین",
];
/// An order.
pub const AN_ORDER: &[&str] = &[
    "order", "purchase", "transaction", "visit", "sale", "booking", "active", "bestellung", "kauf",
    "commande", "achat", "pedido", "compra", "ordine", "acquisto", "bestelling", "zamówienie", "заказ",
    "سفارش", "خرید",
];
/// Sums over a customer's life.
pub const LIFETIME: &[&str] = &["lifetime", "ltv", "clv", "cltv"];

/// A letter in small; the Turkish dotted capital without a dot of its own behind it.
fn small(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().filter(|c| *c != '\u{307}')
}

/// The words of a name: in small letters, parted at signs, blanks and capital letters.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let chars: Vec<char> = name.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        if *c == '#' || *c == '%' {
            words.push(c.to_string());
            open = false;
            continue;
        }
        if !c.is_alphanumeric() {
            open = false;
            continue;
        }
        let before = i.checked_sub(1).map(|b| chars[b]);
        let after = chars.get(i + 1);
        let hump = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase())
                || (before.is_some_and(char::is_uppercase) && after.is_some_and(|a| a.is_lowercase())));
        let number = before.is_some_and(|b| b.is_numeric() != c.is_numeric());
        match words.last_mut() {
            Some(word) if open && !hump && !number => word.extend(small(*c)),
            _ => words.push(small(*c).collect()),
        }
        open = true;
    }
    words
}

fn holds(words: &[String], whole: &str, phrase: &str) -> bool {
    if let Some(stem) = phrase.strip_prefix('~') {
        return words.iter().any(|w| w.contains(stem));
    }
    if !phrase.is_ascii() && phrase.chars().any(|c| !c.is_alphabetic() || c as u32 > 0x0590) {
        // Letters that Arabic and Persian write differently are folded in the name, so in the phrase too.
        return whole.contains(&lower(phrase));
    }
    if phrase.contains(' ') {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        return words.windows(wanted.len()).any(|w| w.iter().zip(&wanted).all(|(a, b)| a == b))
            || words.iter().any(|w| *w == wanted.concat());
    }
    words.iter().any(|w| w == phrase)
}

/// How much a name says for a part; `None` if nothing does, or something speaks against it.
pub fn fit(name: &str, part: &Part) -> Option<i32> {
    let words = words(name);
    let whole = lower(name).replace('\u{307}', "");
    let found = |lexicon: Lexicon| -> Vec<i32> {
        let said = |list: &[&str]| list.iter().any(|w| holds(&words, &whole, w));
        lexicon.iter().filter(|(_, list)| said(list)).map(|(n, _)| *n).collect()
    };
    let best = found(part.words).into_iter().max()?;
    let with = found(part.with);
    let with =
        with.iter().copied().max().unwrap_or(0).max(0) + with.iter().copied().min().unwrap_or(0).min(0);
    let against = part.against.iter().filter(|w| holds(&words, &whole, w)).count() as i32;
    // `E-Mail-Adresse` is an address that names one person.
    let mailed = words.iter().any(|w| w == "mail" || w == "email");
    let against = if mailed {
        against - i32::from(words.iter().any(|w| w.starts_with("adress") || w == "address"))
    } else {
        against
    };
    if against > 0 {
        return None;
    }
    // A plain name is likelier meant than one of many words.
    Some(10 * (best + with) - words.len() as i32).filter(|n| *n > -10)
}

/// What a state says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A sale that came about.
    Sale,
    /// No sale.
    None,
    /// Money taken back.
    Back,
    /// One cannot tell.
    Open,
}

const NO_SALE: &[&str] = &[
    "キャンセル確定",
    "キャンセル済み",
    "ملغي",
    "ملغى",
    "ملغاة",
    "إلغاء",
    "i̇ptal edildi",
    "iptal edildi",
    "iptal",
    "makulerad",
    "makulert",
    "annulleret",
    "avbruten",
    "avbeställd",
    "kansellert",
    "đã hủy",
    "đã huỷ",
    "ยกเลิก",
    "ยกเลิกแล้ว",
    "скасовано",
    "отменено",
    "отменен",
    "отменён",
    "отказ",
    "zrušeno",
    "zrušená",
    "zrušený",
    "stornováno",
    "peruutettu",
    "peruttu",
    "ακυρώθηκε",
    "ακυρωμένη",
    "törölt",
    "törölve",
    "anulat",
    "anulată",
    "otkazano",
    "dibatalkan",
    "batal",
    "취소완료",
    "취소됨",
    "주문취소",
    "交易关闭",
    "已关闭",
    "fallida",
    "fallido",
    "fallito",
    "fallita",
    "échoué",
    "échouée",
    "erreur de paiement",
    "ошибка оплаты",
    "не оплачен",
    "non abouti",
    "non aboutie",
    "fehlgeschlagen",
    "zahlung fehlgeschlagen",
    "nieudane",
    "mislukt",
    "başarısız",
    "entwurf",
    "borrador",
    "bozza",
    "brouillon",
    "rascunho",
    "черновик",
    "taslak",
    "concept",
    "szkic",
    "piszkozat",
    "koncept",
    "下書き",
    "草稿",
    "مسودة",
    "پیش‌نویس",
    "angebot",
    "devis",
    "preventivo",
    "presupuesto",
    "offerte",
    "orçamento",
    "oferta",
    "teklif",
    "見積",
    "见积",
    "报价",
    "quote",
    "quotation",
    "estimate",
    "annulé",
    "annulée",
    "annullato",
    "annullata",
    "geannuleerd",
    "storniert",
    "cancelado",
    "cancelada",
    "anulado",
    "anulada",
    "anulowane",
    "anulowano",
    "zrušené",
    "cancelled",
    "canceled",
    "cancel",
    "cancellation",
    "void",
    "voided",
    "failed",
    "failure",
    "declined",
    "rejected",
    "denied",
    "expired",
    "abandoned",
    "draft",
    "quote",
    "quotation",
    "view",
    "viewed",
    "cart",
    "page_view",
    "page view",
    "add_to_cart",
    "add to cart",
    "remove_from_cart",
    "view_item",
    "begin_checkout",
    "checkout",
    "session_start",
    "first_visit",
    "scroll",
    "click",
    "search",
    "wishlist",
    "impression",
    "test",
    "lost",
    "error",
    "unpaid",
    "blocked",
    "deleted",
    "incomplete",
    "trash",
    "uncaptured",
    "pageview",
    "product_view",
    "session",
    "login",
    "signup",
    "chat",
    "fraud",
    "fraudulent",
    "unavailable",
    "user_engagement",
    "storniert",
    "storno",
    "abgebrochen",
    "fehlgeschlagen",
    "abgelehnt",
    "annulé",
    "annulée",
    "annule",
    "échoué",
    "cancelado",
    "cancelada",
    "anulado",
    "anulada",
    "fallido",
    "rechazado",
    "annullato",
    "annullata",
    "fallito",
    "geannuleerd",
    "mislukt",
    "anulowane",
    "anulowano",
    "отменен",
    "отменён",
    "отменено",
    "отказ",
    "iptal",
    "iptal edildi",
    "başarısız",
    "キャンセル",
    "取消",
    "已取消",
    "交易关闭",
    "已关闭",
    "关闭",
    "취소",
    "لغو",
    "لغو شده",
    "ناموفق",
    "رد شده",
    "ملغي",
    "dibatalkan",
    "peruttu",
    "avbruten",
    "annulleret",
    "kansellert",
    "stornováno",
    "törölve",
    "no sale",
    "not completed",
    "payment failed",
];
const BACK: &[&str] = &[
    "iade",
    "i̇ade",
    "iade edildi",
    "مرتجع",
    "مردود",
    "creditnota",
    "creditfactuur",
    "korekta",
    "faktura korygująca",
    "devolução",
    "devolucion",
    "devolución",
    "stornorechnung",
    "gutschrift",
    "avoir",
    "nota di credito",
    "nota de crédito",
    "nota de credito",
    "kreditnota",
    "kreditfaktura",
    "retoure",
    "rückgabe",
    "rückerstattet",
    "rembourse",
    "remboursé",
    "remboursée",
    "reembolso",
    "reembolsado",
    "reembolsada",
    "rimborso",
    "rimborsato",
    "zwrot",
    "возврат",
    "возвращен",
    "vratka",
    "dobropis",
    "palautus",
    "retur",
    "επιστροφή",
    "退货",
    "退款",
    "返品",
    "返金",
    "반품",
    "환불",
    "hoàn tiền",
    "คืนเงิน",
    "credit note",
    "credit memo",
    "creditmemo",
    "refund",
    "refunded",
    "refunds",
    "return",
    "returned",
    "returns",
    "credit",
    "credit note",
    "credit memo",
    "creditnote",
    "chargeback",
    "charged back",
    "reversal",
    "reversed",
    "partially refunded",
    "sale return",
    "sales return",
    "gutschrift",
    "erstattung",
    "erstattet",
    "rückerstattung",
    "retoure",
    "rückgabe",
    "remboursement",
    "remboursé",
    "remboursée",
    "avoir",
    "retour",
    "reembolso",
    "reembolsado",
    "devolución",
    "devuelto",
    "nota de crédito",
    "abono",
    "rimborso",
    "rimborsato",
    "reso",
    "nota di credito",
    "возврат",
    "iade",
    "iade edildi",
    "返品",
    "返金",
    "退款",
    "已退款",
    "退货",
    "환불",
    "반품",
    "مرجوعی",
    "برگشتی",
    "برگشت",
    "عودت",
    "مسترد",
    "zwrot",
    "palautus",
    "retur",
    "refundchargeback",
    "refundedexternally",
    "refund payment",
];
const SALE: &[&str] = &[
    "交易成功",
    "完了",
    "発送済み",
    "取引完了",
    "مكتمل",
    "مكتملة",
    "tamamlandı",
    "teslim edildi",
    "skickad",
    "levererad",
    "fullført",
    "afsluttet",
    "hoàn thành",
    "สำเร็จ",
    "виконано",
    "выполнен",
    "доставлен",
    "оплачен",
    "dokončeno",
    "vyřízeno",
    "toimitettu",
    "ολοκληρώθηκε",
    "teljesítve",
    "completado",
    "completada",
    "pagado",
    "pagada",
    "enviado",
    "entregado",
    "payé",
    "payée",
    "expédié",
    "livré",
    "pagato",
    "spedito",
    "consegnato",
    "pago",
    "entregue",
    "bezahlt",
    "versandt",
    "geliefert",
    "abgeschlossen",
    "betaald",
    "verzonden",
    "opłacone",
    "zrealizowane",
    "rechnung",
    "facture",
    "factura",
    "fattura",
    "fatura",
    "faktura",
    "invoice",
    "complete",
    "completed",
    "paid",
    "shipped",
    "delivered",
    "fulfilled",
    "unfulfilled",
    "partial",
    "processing",
    "settled",
    "purchase",
    "purchased",
    "sale",
    "sales",
    "payment",
    "invoice",
    "invoiced",
    "success",
    "successful",
    "succeeded",
    "approved",
    "confirmed",
    "captured",
    "active",
    "done",
    "charge",
    "order",
    "ok",
    "dispatched",
    "sold",
    "in transit",
    "ready",
    "picked up",
    "bezahlt",
    "versendet",
    "versandt",
    "abgeschlossen",
    "erledigt",
    "geliefert",
    "rechnung",
    "payé",
    "payée",
    "expédié",
    "livré",
    "terminé",
    "terminée",
    "pagado",
    "enviado",
    "entregado",
    "completado",
    "completada",
    "pagato",
    "spedito",
    "consegnato",
    "completato",
    "zrealizowane",
    "wysłane",
    "оплачен",
    "доставлен",
    "выполнен",
    "завершен",
    "tamamlandı",
    "teslim edildi",
    "ödendi",
    "完了",
    "発送済み",
    "交易成功",
    "已完成",
    "已发货",
    "已付款",
    "买家已付款",
    "완료",
    "배송완료",
    "تکمیل شده",
    "تکمیل",
    "موفق",
    "ارسال شده",
    "تحویل شده",
    "پرداخت شده",
    "مكتمل",
    "selesai",
    "debit",
    "false",
    "0",
    "no",
    "n",
    "live",
    "production",
];

/// What a value of a state column says.
pub fn state(value: &str) -> State {
    let value = lower(value.trim()).replace('\u{307}', "");
    let spaced = value.replace(['_', '-'], " ");
    let same = |w: &str| w == value || w == spaced || (!w.is_ascii() && lower(w) == value);
    let is = |list: &[&str]| list.iter().any(|w| same(w));
    if is(NO_SALE) {
        State::None
    } else if is(BACK) {
        State::Back
    } else if is(SALE) {
        State::Sale
    } else {
        let parts: Vec<&str> = spaced.split_whitespace().collect();
        // A credit card is no credit.
        let any = |list: &[&str]| {
            parts.iter().any(|p| p.len() > 3 && *p != "credit" && *p != "debit" && list.contains(p))
        };
        match (any(NO_SALE), any(BACK), any(SALE)) {
            (true, false, _) => State::None,
            (false, true, _) => State::Back,
            (false, false, true) => State::Sale,
            _ => State::Open,
        }
    }
}

/// Customers who are nobody.
pub const NOBODY: &[&str] = &[
    "مشتری متفرقه",
    "физическое лицо",
    "физ. лицо",
    "физ лицо",
    "частное лицо",
    "público en general",
    "publico en general",
    "publico general",
    "público general",
    "розничный покупатель",
    "частное лицо",
    "физлицо",
    "散客",
    "零售客户",
    "普通客户",
    "counter sales",
    "counter sale",
    "counter",
    "over the counter",
    "one-time customer",
    "one time customer",
    "cliente mostrador",
    "mostrador",
    "cliente genérico",
    "cliente generico",
    "cliente contado",
    "cliente final",
    "client comptoir",
    "client divers",
    "client de passage",
    "comptoir",
    "klient detaliczny",
    "klient indywidualny",
    "kunde bar",
    "diverse",
    "diverse kunden",
    "einmalkunde",
    "laufkundschaft",
    "barkunde",
    "thekenverkauf",
    "cliente di passaggio",
    "cliente banco",
    "passante",
    "contante klant",
    "losse klant",
    "kassaklant",
    "perakende müşteri",
    "muhtelif müşteri",
    "nihai tüketici",
    "一見客",
    "現金客",
    "店頭客",
    "일반고객",
    "عميل نقدي",
    "زبون عام",
    "مشتری نقدی",
    "مشتری گذری",
    "consumidor",
    "unknown customer",
    "cash sales",
    "pos customer",
    "store customer",
    "default customer",
    "walkin customer",
    "retail",
    "guest",
    "guests",
    "anonymous",
    "anonym",
    "anon",
    "unknown",
    "n/a",
    "na",
    "none",
    "null",
    "-",
    "--",
    "0",
    "00000",
    "-1",
    "x",
    "xxx",
    "test",
    "tbd",
    "walk-in",
    "walkin",
    "walk in",
    "walk-in customer",
    "cash",
    "cash customer",
    "cash sale",
    "no customer",
    "not set",
    "(not set)",
    "undefined",
    "default",
    "dummy",
    "misc",
    "unregistered",
    "retail customer",
    "gast",
    "unbekannt",
    "barverkauf",
    "laufkunde",
    "invité",
    "inconnu",
    "comptant",
    "invitado",
    "desconocido",
    "consumidor final",
    "ospite",
    "sconosciuto",
    "gość",
    "гость",
    "misafir",
    "ゲスト",
    "非会員",
    "游客",
    "匿名",
    "비회원",
    "مهمان",
    "ناشناس",
    "مشتری عمومی",
    "متفرقه",
    "guest checkout",
    "visitor",
    "9999",
    "99999",
    "999999",
];

/// Words of rows that sum up others.
pub const TOTALS: &[&str] = &[
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sub total",
    "sub-total",
    "sum",
    "overall",
    "summe",
    "gesamt",
    "gesamtsumme",
    "gesamtergebnis",
    "zwischensumme",
    "ergebnis",
    "total général",
    "total general",
    "sous-total",
    "suma",
    "totale",
    "totale complessivo",
    "totaal",
    "eindtotaal",
    "razem",
    "итого",
    "всего",
    "общий итог",
    "toplam",
    "genel toplam",
    "合計",
    "総計",
    "小計",
    "总计",
    "合计",
    "小计",
    "합계",
    "총계",
    "جمع",
    "جمع کل",
    "مجموع",
    "الإجمالي",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parted_into_words() {
        assert_eq!(words("InvoiceNo"), ["invoice", "no"]);
        assert_eq!(words("user_pseudo_id"), ["user", "pseudo", "id"]);
        assert_eq!(words("Item #"), ["item", "#"]);
        assert_eq!(words("SKUCode"), ["sku", "code"]);
        assert_eq!(words("Gross Debit (GC)"), ["gross", "debit", "gc"]);
    }

    #[test]
    fn parts_of_words_are_not_words() {
        assert!(fit("discount_amount", &QUANTITY).is_none(), "dis-count");
        assert!(fit("account_id", &QUANTITY).is_none() && fit("country", &QUANTITY).is_none());
        assert!(fit("discount_amount", &AMOUNT).is_none() && fit("Tax Amount", &AMOUNT).is_none());
        assert!(fit("loyalty_value", &AMOUNT).is_none() && fit("order_id", &AMOUNT).is_none());
        assert!(fit("sale price", &PRICE) > fit("price", &PRICE) && fit("list price", &PRICE).is_none());
        assert!(fit("Net Value", &AMOUNT) > fit("value", &AMOUNT));
        assert!(fit("Account Manager", &CUSTOMER).is_none() && fit("Customer Country", &CUSTOMER).is_none());
        assert!(fit("Absender E-Mail-Adresse", &CUSTOMER).is_some());
        assert!(fit("Order Status", &ORDER).is_none() && fit("Doc No", &ORDER).is_some());
        assert!(
            fit("birth_date", &DATE).is_none()
                && fit("updated_at", &DATE).is_none()
                && fit("sold_on", &DATE).is_some()
        );
        assert!(
            fit("Bestellnummer", &ORDER).is_some()
                && fit("会員ID", &CUSTOMER).is_some()
                && fit("مبلغ کل (تومان)", &AMOUNT).is_some()
        );
    }

    #[test]
    fn states_in_many_languages() {
        for (value, meant) in [
            ("Canceled", State::None),
            ("page_view", State::None),
            ("Refunded", State::Back),
            ("shipped", State::Sale),
            ("تکمیل شده", State::Sale),
            ("لغو شده", State::None),
            ("交易成功", State::Sale),
            ("Payment failed", State::None),
            ("blue", State::Open),
        ] {
            assert_eq!(state(value), meant, "{value}");
        }
    }
}
