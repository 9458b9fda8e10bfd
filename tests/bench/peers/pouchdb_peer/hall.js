// The hall's end: puts the events of a file into LevelDB, then replicates them; the last NEWS in a replication of their own.
// node hall.js FOLDER URL EVENTS NEWS; prints one JSON line, seconds of each replication.
'use strict'
const [folder, url, file, news] = process.argv.slice(2)
const fs = require('fs')
const PouchDB = require('pouchdb')
const BATCH = { batch_size: 1000, batches_limit: 10 } // tuned: the default of 100 a batch is slower

async function moved (hall, documents) {
  for (let first = 0; first < documents.length; first += BATCH.batch_size) {
    await hall.bulkDocs(documents.slice(first, first + BATCH.batch_size))
  }
  const begun = process.hrtime.bigint()
  const done = await hall.replicate.to(url, BATCH)
  if (!done.ok || done.docs_written !== documents.length) throw new Error(JSON.stringify(done))
  return Number(process.hrtime.bigint() - begun) / 1e9
}

async function main () {
  const lines = fs.readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const documents = lines.map((line, n) => ({ _id: String(n).padStart(9, '0'), ...JSON.parse(line) }))
  const hall = new PouchDB(folder + '/hall')
  const cut = documents.length - Number(news)
  const seconds = await moved(hall, documents.slice(0, cut))
  console.log(JSON.stringify({ moved_s: seconds, news_s: await moved(hall, documents.slice(cut)) }))
  await hall.close()
}

main().catch(error => { console.error(error); process.exit(1) })
