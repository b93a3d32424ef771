import { readConfigOrExit } from './src/config/process-config.js';
import { createDataSource } from './src/data-source.js';

/** The entry point of TypeORM's command line. The application makes its own data source in `main.ts`. */
export default createDataSource(readConfigOrExit({ createsSecret: true }));
