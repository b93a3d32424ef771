import type { TokenResponse } from '../http/http.js';
import { login, PASSWORD, register } from '../app/users.js';
import { observe, refreshClaims } from './observed.js';
import { requests } from './requests.js';
import type { Setting } from './setting.js';
import type { StillService } from './still-service.js';
import type { Trace } from './trace.js';
import type { Tally } from './tally.js';

/** A refresh request or its response in flight. */
interface Message {
  token: string;
  sentAt: number;
  response?: TokenResponse;
}

/**
 * The browser of an honest user: several tabs, one cookie jar, and messages that are lost or late within the bounds. It
 * does not know the rules and expects only to stay signed in.
 */
export class HonestBrowser {
  private email: string;
  private jar: { refresh: string; access: string };
  private messages: Message[] = [];
  private bornAt: number;
  private newestAt: number;
  private newestGeneration = 1;
  private isLoggedOut = false;

  constructor(
    private readonly service: StillService,
    private readonly setting: Setting,
    private readonly trace: Trace,
    private readonly tally: Tally,
  ) {}

  async open(): Promise<void> {
    const { email, tokens } = await register(this.service.http);
    this.email = email;
    this.begin(tokens);
  }

  get oldestSentAt(): number | undefined {
    return this.messages[0]?.sentAt;
  }

  send(): void {
    if (this.messages.length >= 5) return;
    this.trace.add(`a tab sends generation ${refreshClaims(this.jar.refresh).gen}`);
    this.messages.push({ token: this.jar.refresh, sentAt: this.service.now });
  }

  async arrive(which: number): Promise<void> {
    const waiting = this.messages.filter(({ response }) => !response);
    const message = waiting[which % Math.max(1, waiting.length)];
    if (message) await this.ask(message);
  }

  store(which: number): void {
    const arriving = this.messages.filter(({ response }) => response);
    const message = arriving[which % Math.max(1, arriving.length)];
    if (message) this.keep(message);
  }

  lose(which: number): void {
    const [lost] = this.messages.splice(which % Math.max(1, this.messages.length), 1);
    if (lost)
      this.trace.add(
        `${lost.response ? 'a response to' : 'a request with'} generation ${refreshClaims(lost.token).gen} is lost`,
      );
  }

  async refresh(isStored: boolean): Promise<void> {
    const message: Message = { token: this.jar.refresh, sentAt: this.service.now };
    this.messages.push(message);
    await this.ask(message);
    if (isStored && message.response) this.keep(message);
    else this.messages = this.messages.filter((other) => other !== message);
  }

  /** Uses the newest access token. An expired one is allowed: a refresh follows. */
  async use(): Promise<void> {
    const { status, code } = observe(await requests.whoAmI(this.service.http, this.jar.access));
    this.trace.add(`a tab uses an access token -> ${status} ${code ?? ''}`);
    this.tally.add(`use ${status}`);
    if (status === 200 || code === 'access_token_expired') return;
    if (!this.isLoggedOut) this.trace.fail('An honest browser’s access token was refused');
  }

  /** Revokes the session; the browser notices at its next refresh. */
  async logOut(): Promise<void> {
    await requests.logout(this.service.http, { refresh: this.jar.refresh });
    this.isLoggedOut = true;
    this.trace.add('logout');
  }

  /** Drops messages beyond the bounds: a request arrives within L, a round trip takes less than C. */
  giveUpLate(): void {
    const { L, C } = this.setting.policy;
    this.messages = this.messages.filter(({ sentAt, response }) => {
      const age = this.service.now - sentAt;
      return response ? age < C : age <= L;
    });
  }

  private async ask(message: Message): Promise<void> {
    const response = await requests.refresh(this.service.http, message.token);
    const { gen } = refreshClaims(message.token);
    this.trace.add(`generation ${gen} arrives, ${this.service.now - message.sentAt} ms old -> ${response.status}`);
    this.tally.add(`refresh ${response.status}`);
    if (response.status !== 200) return this.refused(observe(response).code ?? '', observe(response).terminal ?? true);
    if (this.isLoggedOut) this.trace.fail('A session that was logged out was refreshed');
    message.response = response.body;
    const generation = refreshClaims(response.body.refresh_token).gen;
    if (generation <= this.newestGeneration) return;
    this.newestGeneration = generation;
    this.newestAt = this.service.now;
    this.tally.add('new generations');
  }

  private keep(message: Message): void {
    const { refresh_token, access_token } = message.response!;
    this.messages = this.messages.filter((other) => other !== message);
    // An unchanged token is not stored again: a late response must not overwrite a newer token.
    if (refresh_token !== message.token) this.jar.refresh = refresh_token;
    this.jar.access = access_token;
    this.trace.add(`the response to generation ${refreshClaims(message.token).gen} is stored`);
  }

  /** Only a logout, the idle limit and the absolute limit may end an honest session. */
  private async refused(code: string, terminal: boolean): Promise<void> {
    const { idle, session } = this.setting.policy;
    const isOver = this.service.now >= Math.min(this.newestAt + idle, this.bornAt + session);
    const isExcused = this.isLoggedOut ? code === 'session_revoked' || isOver : isOver && code === 'session_expired';
    if (!isExcused || !terminal) this.trace.fail(`An honest browser was refused: ${code}`);
    this.tally.add(this.isLoggedOut ? 'revoked' : 'expired');
    this.begin(await login(this.service.http, this.email, PASSWORD));
  }

  private begin({ refresh_token, access_token }: TokenResponse): void {
    this.jar = { refresh: refresh_token, access: access_token };
    this.messages = [];
    this.bornAt = this.newestAt = this.service.now;
    this.newestGeneration = 1;
    this.isLoggedOut = false;
  }
}
