import type { TokenResponse } from '../http.js';
import { login, PASSWORD, register } from '../people.js';
import { observe, refreshClaims } from './observed.js';
import { requests } from './requests.js';
import type { Setting } from './setting.js';
import type { StillService } from './still-service.js';
import type { Story } from './story.js';
import type { Tally } from './tally.js';

/** A refresh between a tab and the service. */
interface Travelling {
  token: string;
  sentAt: number;
  answer?: TokenResponse;
}

/**
 * A browser as an honest person's: several tabs, one jar, and messages that are lost or late within the bounds. It knows
 * nothing of the rules, only what it may expect: to stay signed in.
 */
export class HonestBrowser {
  private email: string;
  private jar: { refresh: string; access: string };
  private travelling: Travelling[] = [];
  private bornAt: number;
  private newestAt: number;
  private newestGeneration = 1;
  private hasEnded = false;

  constructor(
    private readonly service: StillService,
    private readonly setting: Setting,
    private readonly story: Story,
    private readonly tally: Tally,
  ) {}

  async open(): Promise<void> {
    const { email, tokens } = await register(this.service.http);
    this.email = email;
    this.begin(tokens);
  }

  get oldestSentAt(): number | undefined {
    return this.travelling[0]?.sentAt;
  }

  send(): void {
    if (this.travelling.length >= 5) return;
    this.story.tell(`a tab sends generation ${refreshClaims(this.jar.refresh).gen}`);
    this.travelling.push({ token: this.jar.refresh, sentAt: this.service.now });
  }

  async arrive(which: number): Promise<void> {
    const waiting = this.travelling.filter(({ answer }) => !answer);
    const message = waiting[which % Math.max(1, waiting.length)];
    if (message) await this.ask(message);
  }

  store(which: number): void {
    const arriving = this.travelling.filter(({ answer }) => answer);
    const message = arriving[which % Math.max(1, arriving.length)];
    if (message) this.keep(message);
  }

  lose(which: number): void {
    const [lost] = this.travelling.splice(which % Math.max(1, this.travelling.length), 1);
    if (lost)
      this.story.tell(
        `${lost.answer ? 'an answer to' : 'a request with'} generation ${refreshClaims(lost.token).gen} is lost`,
      );
  }

  async refresh(isStored: boolean): Promise<void> {
    const message: Travelling = { token: this.jar.refresh, sentAt: this.service.now };
    this.travelling.push(message);
    await this.ask(message);
    if (isStored && message.answer) this.keep(message);
    else this.travelling = this.travelling.filter((other) => other !== message);
  }

  /** Uses the newest access token. That it is too old is no end: a refresh follows. */
  async use(): Promise<void> {
    const { status, code } = observe(await requests.whoAmI(this.service.http, this.jar.access));
    this.story.tell(`a tab uses an access token -> ${status} ${code ?? ''}`);
    this.tally.add(`use ${status}`);
    if (status === 200 || code === 'access_token_expired') return;
    if (!this.hasEnded) this.story.fail('An honest browser’s access token was refused');
  }

  /** Somebody with the right to ends the session; the browser hears of it at its next refresh. */
  async logOut(): Promise<void> {
    await requests.logout(this.service.http, { refresh: this.jar.refresh });
    this.hasEnded = true;
    this.story.tell('logout');
  }

  /** What is beyond the bounds is given up: a request arrives within L, a round trip takes less than C. */
  giveUpLate(): void {
    const { L, C } = this.setting.policy;
    this.travelling = this.travelling.filter(({ sentAt, answer }) => {
      const age = this.service.now - sentAt;
      return answer ? age < C : age <= L;
    });
  }

  private async ask(message: Travelling): Promise<void> {
    const answer = await requests.refresh(this.service.http, message.token);
    const { gen } = refreshClaims(message.token);
    this.story.tell(`generation ${gen} arrives, ${this.service.now - message.sentAt} ms old -> ${answer.status}`);
    this.tally.add(`refresh ${answer.status}`);
    if (answer.status !== 200) return this.refused(observe(answer).code ?? '', observe(answer).terminal ?? true);
    if (this.hasEnded) this.story.fail('A session that was logged out was refreshed');
    message.answer = answer.body;
    const generation = refreshClaims(answer.body.refresh_token).gen;
    if (generation <= this.newestGeneration) return;
    this.newestGeneration = generation;
    this.newestAt = this.service.now;
    this.tally.add('new generations');
  }

  private keep(message: Travelling): void {
    const { refresh_token, access_token } = message.answer!;
    this.travelling = this.travelling.filter((other) => other !== message);
    // What did not change is not stored again: a late answer must never put an older token over a newer one.
    if (refresh_token !== message.token) this.jar.refresh = refresh_token;
    this.jar.access = access_token;
    this.story.tell(`the answer to generation ${refreshClaims(message.token).gen} is stored`);
  }

  /** Only a logout, and the limits that a person was told of, may end an honest session. */
  private async refused(code: string, terminal: boolean): Promise<void> {
    const { idle, session } = this.setting.policy;
    const isOver = this.service.now >= Math.min(this.newestAt + idle, this.bornAt + session);
    const isExcused = this.hasEnded ? code === 'session_revoked' || isOver : isOver && code === 'session_expired';
    if (!isExcused || !terminal) this.story.fail(`An honest browser was refused: ${code}`);
    this.tally.add(this.hasEnded ? 'ended' : 'expired');
    this.begin(await login(this.service.http, this.email, PASSWORD));
  }

  private begin({ refresh_token, access_token }: TokenResponse): void {
    this.jar = { refresh: refresh_token, access: access_token };
    this.travelling = [];
    this.bornAt = this.newestAt = this.service.now;
    this.newestGeneration = 1;
    this.hasEnded = false;
  }
}
