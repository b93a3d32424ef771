/** `npm run migration:run`: brings the schema up to date, as a starting server does, and exits. */
import 'reflect-metadata';
import { explainAndExit } from '../boot/explain-and-exit.js';
import { openDatabase } from '../boot/open-database.js';
import { readConfigOrExit } from '../config/process-config.js';
import { createDataSource } from '../data-source.js';

const config = readConfigOrExit({ createsSecret: true });
const dataSource = createDataSource(config);
try {
  await openDatabase(config, dataSource);
  await dataSource.destroy();
} catch (error) {
  explainAndExit(error);
}
