// Passkeys. A form with data-passkey says what its button does: "make" one, "use" one of this account's, or "sign-in" by
// any that the device has. What the browser returns goes into the hidden field `credential`, as JSON.
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (some) => (some || []).map((one) => ({ ...one, id: toBytes(one.id) }));

  const create = ({ publicKey: asked }) => navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: toBytes(asked.challenge),
      user: { ...asked.user, id: toBytes(asked.user.id) },
      excludeCredentials: listed(asked.excludeCredentials),
    },
  });
  const get = ({ publicKey: asked }) => navigator.credentials.get({
    publicKey: { ...asked, challenge: toBytes(asked.challenge), allowCredentials: listed(asked.allowCredentials) },
  });

  const asJson = (made) => {
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[part]) response[part] = toText(made.response[part]);
    }
    return JSON.stringify({
      id: made.id,
      rawId: toText(made.rawId),
      type: made.type,
      response,
      clientExtensionResults: made.getClientExtensionResults(),
    });
  };

  const options = async (form) => {
    if (form.dataset.passkey !== "sign-in") return JSON.parse(document.getElementById("passkey-options").textContent);
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${form.action}: ${answer.status}`);
    return answer.json();
  };

  for (const form of document.querySelectorAll("[data-passkey]")) {
    const button = form.querySelector("button");
    const failed = form.querySelector("[role=alert][hidden]");
    form.hidden = false;
    const use = async () => {
      button.disabled = true;
      failed.hidden = true;
      try {
        const said = await options(form);
        const made = form.dataset.passkey === "make"
          ? await create(said.creation_options)
          : await get(said.request_options);
        form.elements.credential.value = asJson(made);
        form.submit();
      } catch {
        // Cancelled, timed out or unknown to the device: the browser tells no more, on purpose.
        failed.hidden = false;
        button.disabled = false;
      }
    };
    button.addEventListener("click", use);
    form.addEventListener("submit", (event) => { event.preventDefault(); use(); }); // Enter in the name's field
  }
})();
