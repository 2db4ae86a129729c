import type { SettingRegistry } from "@jupyterlab/settingregistry";

/** As schema/plugin.json has them. */
export const settings = { checkNames: true, wrapPrompts: true };

const PLUGIN = "ipyllm:plugin";

/** Keeps them as the user has them. */
export async function followSettings(registry: SettingRegistry | null): Promise<void> {
  const loaded = await registry?.load(PLUGIN);
  if (!loaded) return;
  const take = () => {
    const { checkNames, wrapPrompts } = loaded.composite;
    settings.checkNames = checkNames !== false;
    settings.wrapPrompts = wrapPrompts !== false;
  };
  take();
  loaded.changed.connect(take);
}
