//! What the names of columns say for each part of a line.

use super::{Lexicon, Part};

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
                "pembeli",
                "người mua",
                "구매자명",
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
        (3, &["contact", "account", "company", "phone", "mobile", "visitor", "guest", "card number"]),
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
                "order",
                "invoice",
                "billing document",
                "~bestell",
                "~auftrag",
                "~rechnung",
                "pedido",
                "factura",
                "orden",
                "commande",
                "facture",
                "ordine",
                "fattura",
                "~zamówieni",
                "~faktur",
                "~заказ",
                "sipariş",
                "siparis",
                "fatura",
                "~objednáv",
                "~rendelés",
                "注文",
                "訂單",
                "订单",
                "주문",
                "سفارش",
                "فاکتور",
                "pesanan",
                "đơn hàng",
                "คำสั่งซื้อ",
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
                "date",
                "datetime",
                "purchased",
                "sold",
                "ordered",
                "placed",
                "~datum",
                "fecha",
                "data",
                "date de",
                "~дата",
                "tarih",
                "날짜",
                "일자",
                "tanggal",
                "dátum",
                "ngày",
                "วันที่",
                "결제일",
                "تاريخ",
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
                "كمية", "ποσότητα", "số lượng", "จำนวน", "sl", "db", "kom", "pc", "uom qty",
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
                "ciro", "إجمالي", "اجمالي", "tổng giá", "tổng tiền", "thành tiền", "belopp", "beløb",
                "částka", "összeg", "合計", "金額", "总金额", "금액", "مبلغ", "المبلغ",
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
