// The dialog of a picture: the file goes up at once, and meanwhile somebody says what it shows. Nothing goes into the
// text without those words, or the word that it is decorative.
(() => {
  const MOST = 10 * 1024 * 1024; // bytes; kb/picture_files.py says the same
  const editor = window.PreemptEditor;

  // ask({ file, src, alt }) resolves to { src, alt } or null. `src` alone: only the words are asked for.
  editor.pictureDialog = (dialog, { url, token }) => {
    const one = (selector) => dialog.querySelector(selector);
    const [input, alt, decorative, error] = [one("#picture-file"), one("#picture-alt"), one("#picture-decorative"), one("#picture-error")];
    const [state, bar, said, again, shown] = [one("[data-upload-state]"), one("progress"), one("#upload-said"), one("[data-again]"), one("[data-shown]")];
    let sending = null;
    let waiting = null; // the file that goes up, to try again with
    let src = "";
    let done = () => {};

    const complain = (text, field) => {
      error.textContent = text;
      field?.focus();
    };
    const show = () => {
      shown.replaceChildren();
      const address = src && editor.pictureAddress(src);
      if (!address) return;
      const picture = document.createElement("img");
      for (const [name, value] of Object.entries({ ...address, alt: "" })) picture.setAttribute(name, value);
      shown.append(picture);
    };
    const failed = (text, { canTryAgain = false } = {}) => {
      state.hidden = !canTryAgain;
      bar.hidden = true;
      said.textContent = "";
      again.hidden = !canTryAgain;
      complain(text, canTryAgain ? again : input);
    };
    const send = (file) => {
      sending?.abort();
      complain("");
      src = "";
      show();
      waiting = file;
      if (file.size > MOST) { failed(dialog.dataset.tooLarge); return; }
      state.hidden = false;
      bar.hidden = false;
      again.hidden = true;
      bar.value = 0;
      said.textContent = dialog.dataset.uploading;
      const form = new FormData();
      form.append("picture", file, file.name || "picture");
      const request = new XMLHttpRequest(); // fetch tells no progress
      sending = request;
      request.open("POST", url);
      request.setRequestHeader("X-CSRFToken", token());
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = (100 * event.loaded) / event.total; });
      request.addEventListener("load", () => {
        if (request.status === 200 && request.response?.src) {
          src = request.response.src;
          bar.value = 100;
          said.textContent = dialog.dataset.uploaded;
          show();
        } else if (request.status === 422 && request.response?.error) failed(request.response.error);
        else if (request.status === 413) failed(dialog.dataset.tooLarge);
        // A sign-in page in the answer's place, or a token of a session that is gone.
        else if (request.status === 403 || request.status === 200) failed(dialog.dataset.signedOut, { canTryAgain: true });
        else failed(dialog.dataset.server, { canTryAgain: true });
      });
      request.addEventListener("error", () => failed(dialog.dataset.noNetwork, { canTryAgain: true }));
      request.send(form);
    };
    const finish = (answer) => {
      sending?.abort();
      dialog.close();
      done(answer);
    };

    input.addEventListener("change", () => { if (input.files[0]) send(input.files[0]); });
    again.addEventListener("click", () => send(waiting));
    decorative.addEventListener("change", () => { alt.disabled = decorative.checked; });
    one("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const words = alt.value.trim().replace(/\s+/g, " ");
      if (!src) { if (!error.textContent && (!sending || state.hidden)) complain(dialog.dataset.noPicture, input); return; }
      if (!words && !decorative.checked) { complain(dialog.dataset.noAlt, alt); return; }
      finish({ src, alt: decorative.checked ? "" : words });
    });
    one("[data-cancel]").addEventListener("click", () => finish(null));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); finish(null); });

    return ({ file = null, src: there = "", alt: said_ = "" } = {}) => new Promise((resolve) => {
      done = resolve;
      sending = null;
      src = there;
      input.value = "";
      one("[data-picture-file]").hidden = !!there;
      state.hidden = true;
      complain("");
      alt.value = said_;
      decorative.checked = !!there && !said_;
      alt.disabled = decorative.checked;
      show();
      dialog.showModal();
      if (file) send(file);
      (file || there ? alt : input).focus();
    });
  };
})();
