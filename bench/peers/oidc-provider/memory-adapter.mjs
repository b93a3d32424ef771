const storage = new Map();
const keysByGrant = new Map();

/**
 * The documented adapter interface over a Map. The one that oidc-provider brings for development keeps 1,000 entries, and
 * walks through all tokens of a grant in every refresh.
 */
export class MemoryAdapter {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload) {
    storage.set(this.key(id), payload);
    if (payload.grantId) {
      const keys = keysByGrant.get(payload.grantId);
      if (keys) keys.push(this.key(id));
      else keysByGrant.set(payload.grantId, [this.key(id)]);
    }
  }
  async find(id) {
    return storage.get(this.key(id));
  }
  async consume(id) {
    storage.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    storage.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const key of keysByGrant.get(grantId) ?? []) storage.delete(key);
    keysByGrant.delete(grantId);
  }
}
