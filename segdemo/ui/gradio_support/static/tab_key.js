// What the server knows this tab by after a reload; it goes with the tab.

const TAB_KEY = "segdemo-tab";

// A browser may deny storage.
export function keyOfTab() {
  try {
    return sessionStorage.getItem(TAB_KEY) || "";
  } catch {
    return "";
  }
}

export function keepKeyOfTab(key) {
  try {
    sessionStorage.setItem(TAB_KEY, key);
  } catch {
    // A reload begins anew.
  }
}
