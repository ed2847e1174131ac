/* The demo's storefront: a shop on nothing but the public API. No framework, so that every call can be read here. */

const kept = localStorage;
const view = document.querySelector("#view");
const basket = document.querySelector("#basket");
const TEST_CARDS = [
  ["4242 4242 4242 4242", "Accepted"],
  ["4000 0025 0000 3155", "The bank asks first"],
  ["4000 0000 0000 0002", "Declined"],
  ["4000 0000 0000 9995", "Not enough money"],
];
let leaving = new AbortController(); // ends what the last view was still waiting for

/** An element: `h("p", { className: "quiet" }, "text", another)`. Text stays text, whoever wrote it. */
function h(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A call of the API: the answer's JSON, or an Error in the shop's own words. */
async function call(method, path, body, { repeatable = "" } = {}) {
  let reply = await send(method, path, body, repeatable);
  if (reply.status === 401 && kept.refresh && (await refreshed())) reply = await send(method, path, body, repeatable);
  const answer = reply.status === 204 ? null : await reply.json();
  if (reply.ok) return answer;
  if (reply.status === 401) signOut();
  const fields = Object.values(answer.errors ?? {}).flat();
  throw new Error(fields[0] ?? answer.message ?? answer.detail ?? "The shop did not answer.");
}

function send(method, path, body, repeatable) {
  const headers = { "Content-Type": "application/json" };
  if (kept.access) headers.Authorization = `Bearer ${kept.access}`;
  if (kept.cart) headers["X-Cart-Token"] = kept.cart;
  if (repeatable) headers["Idempotency-Key"] = repeatable;
  return fetch(path, { method, headers, body: body && JSON.stringify(body) });
}

async function refreshed() {
  delete kept.access;
  const reply = await send("POST", "/api/accounts/token/refresh/", { refresh: kept.refresh }, "");
  if (!reply.ok) return false;
  kept.access = (await reply.json()).access;
  return true;
}

function signOut() {
  delete kept.access;
  delete kept.refresh;
}

function show(...children) {
  leaving.abort();
  leaving = new AbortController();
  view.replaceChildren(...children);
  view.querySelector("h1")?.focus();
}

const title = (text) => h("h1", { tabIndex: -1, className: "view" }, text);
const button = (text, onclick, properties = {}) => h("button", { type: "button", onclick, ...properties }, text);

/** A form that is busy while it works, and says what went wrong. */
function form(onsubmit, ...children) {
  const trouble = h("p", { className: "trouble" });
  trouble.setAttribute("role", "alert");
  const element = h("form", { className: "card" }, ...children, trouble);
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = [...element.querySelectorAll("button")];
    buttons.forEach((one) => (one.disabled = true));
    trouble.textContent = "";
    try {
      await onsubmit(Object.fromEntries(new FormData(element)));
    } catch (error) {
      trouble.textContent = error.message;
    }
    buttons.forEach((one) => (one.disabled = false));
  });
  return element;
}

function field(label, name, properties = {}) {
  const input = h("input", { name, id: `in-${name}`, required: true, ...properties });
  return h("p", {}, h("label", { htmlFor: input.id }, label), input);
}

async function count(cart) {
  const held = cart ?? (await call("GET", "/api/orders/cart/"));
  const units = held.items.reduce((sum, line) => sum + line.quantity, 0);
  basket.textContent = units ? `Cart (${units})` : "Cart";
}

async function change(method, path, body) {
  const cart = await call(method, `/api/orders/cart/${path}`, body);
  if (cart.token) kept.cart = cart.token;
  await count(cart);
  return cart;
}

/* Views */

async function shelf() {
  const { results } = await call("GET", "/api/products/?in_stock=true&page_size=24");
  const goods = results.map((product) =>
    h(
      "li",
      { className: "card" },
      product.primary_image ? h("img", { src: product.primary_image, alt: "", loading: "lazy", width: 320, height: 320 }) : null,
      h("div", {}, h("strong", {}, product.name), h("span", { className: "price" }, `${product.price} ${product.currency}`)),
      button("Add to cart", (event) => add(event.target, product), { ariaLabel: `Add ${product.name} to the cart` }),
    ),
  );
  show(title("On the shelf"), h("ul", { className: "grid goods" }, ...goods));
}

async function add(pressed, product) {
  pressed.disabled = true;
  try {
    // A product with variants is bought by variant; the storefront takes the first that is there.
    const { variants } = await call("GET", `/api/products/${product.id}/`);
    const variant = variants.find((one) => one.stock_quantity > 0);
    await change("POST", "add_item/", { product_id: product.id, variant_id: variant?.id ?? null, quantity: 1 });
    pressed.textContent = "Added";
  } catch (error) {
    pressed.textContent = error.message;
  }
  setTimeout(() => Object.assign(pressed, { textContent: "Add to cart", disabled: false }), 1500);
}

async function cart() {
  const held = await call("GET", "/api/orders/cart/");
  await count(held);
  if (!held.items.length) return show(title("Your cart"), h("p", { className: "empty" }, "Nothing in it yet."));
  const turn = (line, quantity) => async () => {
    await change("PATCH", "update_item/", { item_id: line.id, quantity });
    await cart();
  };
  const rows = held.items.map((line) =>
    h(
      "li",
      {},
      h("span", {}, line.variant_name ? `${line.product_name} · ${line.variant_name}` : line.product_name),
      button("−", turn(line, line.quantity - 1), { ariaLabel: `One ${line.product_name} less` }),
      h("output", {}, String(line.quantity)),
      button("+", turn(line, line.quantity + 1), { ariaLabel: `One ${line.product_name} more` }),
      h("span", { className: "price" }, `${line.total_price} ${held.currency}`),
    ),
  );
  const total = h("p", { className: "total" }, `${held.total} ${held.currency}, before tax and shipping`);
  show(title("Your cart"), h("ul", { className: "card lines" }, ...rows), total, kept.access ? address() : phone());
}

function phone() {
  return form(
    async ({ phone: number }) => {
      await call("POST", "/api/accounts/otp/send/", { phone: number });
      view.querySelector("form").replaceWith(code(number));
      view.querySelector("#in-code").focus();
    },
    h("h2", {}, "Sign in to order"),
    field("Mobile number", "phone", { type: "tel", autocomplete: "tel", value: "+801719159900" }),
    h("button", {}, "Text me a code"),
  );
}

function code(number) {
  return form(
    async ({ code: typed }) => {
      const signedIn = await call("POST", "/api/accounts/otp/verify/", { phone: number, code: typed });
      Object.assign(kept, { access: signedIn.access, refresh: signedIn.refresh });
      await call("GET", "/api/orders/cart/"); // brings the guest's cart along
      delete kept.cart;
      await cart();
    },
    h("h2", {}, "Enter the code"),
    h("p", { className: "quiet" }, "It was texted to you: see the ", h("a", { href: "/inbox/", target: "_blank" }, "text inbox"), "."),
    field("Code", "code", { inputMode: "numeric", autocomplete: "one-time-code" }),
    h("button", {}, "Sign in"),
  );
}

function address() {
  const key = crypto.randomUUID(); // a second tap is the same order
  return form(
    async (typed) => {
      const order = await call("POST", "/api/orders/cart/checkout/", { shipping_address: typed }, { repeatable: key });
      location.hash = `#/order/${order.id}`;
    },
    h("h2", {}, "Where does it go?"),
    field("Name", "full_name", { autocomplete: "name", value: "Nora Haddad" }),
    field("Street and number", "address_line1", { autocomplete: "address-line1", value: "1 Palm Street" }),
    field("City", "city", { autocomplete: "address-level2", value: "Riyadh" }),
    field("Country", "country", { autocomplete: "country-name", value: "Saudi Arabia" }),
    h("button", {}, "Place the order"),
  );
}

const SAID = {
  pending: "Waiting for payment",
  processing: "Paid, being packed",
  shipped: "On its way",
  delivered: "Delivered",
  cancelled: "Cancelled",
  refunded: "Paid back",
};
const OVER = new Set(["delivered", "cancelled", "refunded"]);

async function order(id) {
  const found = await call("GET", `/api/orders/${id}/`);
  await count();
  const status = h("p", { className: "status" });
  status.setAttribute("role", "status");
  const bill = [
    ["Goods", found.subtotal],
    ["Tax", found.tax_amount],
    ["Shipping", found.shipping_cost],
    ["Total", found.total],
  ].map(([name, amount]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, `${amount} ${found.currency}`)));
  const goods = found.items.map((line) =>
    h("li", {}, h("span", {}, `${line.quantity} × ${line.product_name}`), h("span", { className: "price" }, line.total_price)),
  );
  const actions = h("div");
  show(
    title(`Order ${found.order_number}`),
    status,
    h("ul", { className: "card lines" }, ...goods),
    h("table", { className: "card bill" }, ...bill),
    actions,
  );
  const tell = (now) => {
    status.textContent = SAID[now.status] ?? now.status;
    status.dataset.status = now.status;
    if (now.status !== "pending") actions.replaceChildren();
  };
  tell(found);
  if (found.status === "pending") actions.append(card(found));
  watch(found, tell, leaving.signal);
}

/** The order until its end, whoever changes it: the gateway, the sweep, or somebody at the console. */
async function watch(known, tell, left) {
  const since = Date.now();
  while (!left.aborted && !OVER.has(known.status)) {
    await new Promise((wake) => setTimeout(wake, Date.now() - since < 60_000 ? 1000 : 5000));
    const now = left.aborted ? null : await call("GET", `/api/orders/${known.id}/`).catch(() => null);
    if (now && !left.aborted && now.updated_at !== known.updated_at) tell((known = now));
  }
}

function card(found) {
  const options = TEST_CARDS.map(([value, label]) => h("option", { value }, `${label} (… ${value.slice(-4)})`));
  const choice = h("select", { name: "card", id: "in-card" }, ...options);
  const key = crypto.randomUUID();
  return form(
    async ({ card: number }) => {
      const begun = await call("POST", "/api/payments/create_intent/", { order_id: found.id }, { repeatable: key });
      const till = `/api/payments/sandbox/${begun.payment_intent_id}/`;
      const secret = { client_secret: begun.client_secret };
      let paid = await call("POST", `${till}confirm/`, { ...secret, card_number: number });
      if (paid.status === "requires_action") {
        const agrees = confirm("Your bank asks: is it you who pays?");
        paid = await call("POST", `${till}authenticate/`, { ...secret, agrees });
      }
      if (paid.failure_code) throw new Error(`The card was declined (${paid.failure_code.replaceAll("_", " ")}). Try another one.`);
    },
    h("h2", {}, `Pay ${found.total} ${found.currency}`),
    h("p", {}, h("label", { htmlFor: choice.id }, "Test card"), choice),
    h("p", { className: "quiet" }, "No money moves here: this shop pays in a sandbox."),
    h("button", {}, "Pay"),
  );
}

async function orders() {
  if (!kept.access) return cart();
  const { results } = await call("GET", "/api/orders/");
  if (!results.length) return show(title("Your orders"), h("p", { className: "empty" }, "None yet."));
  const rows = results.map((one) =>
    h(
      "li",
      {},
      h("a", { href: `#/order/${one.id}` }, one.order_number),
      h("span", {}, SAID[one.status] ?? one.status),
      h("span", { className: "price" }, `${one.total} ${one.currency}`),
    ),
  );
  return show(title("Your orders"), h("ul", { className: "card lines" }, ...rows));
}

async function route() {
  const [, name, id] = location.hash.split("/");
  try {
    await ({ cart, orders, order: () => order(id) }[name] ?? shelf)();
  } catch (error) {
    show(title("That did not work"), h("p", { className: "empty" }, error.message));
  }
}

addEventListener("hashchange", route);
await route();
if (!location.hash.includes("order/")) await count().catch(() => null);
